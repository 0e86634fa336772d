/*
 * The Node-API face. Context-aware: loaded once per JavaScript thread, all state hangs on the `media_io` that `open`
 * makes. Arguments come from rtp/native-binding.ts alone, which is their only check beyond memory safety. Nothing throws
 * except `open`, and every wait is bounded by one batch of the media thread.
 */
#define NAPI_VERSION 8
#include "media-io.h"

#include <errno.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#ifndef SOURCE_DIGEST
#define SOURCE_DIGEST "unknown"
#endif
#define MAX_ARGUMENTS 6

typedef struct {
  napi_value values[MAX_ARGUMENTS];
  media_io *io; /* the first argument, where there is one */
} arguments;

static bool read_arguments(napi_env env, napi_callback_info info, arguments *into) {
  size_t size = MAX_ARGUMENTS;
  into->io = NULL;
  return napi_get_cb_info(env, info, &size, into->values, NULL, NULL) == napi_ok &&
         napi_get_value_external(env, into->values[0], (void **)&into->io) == napi_ok && into->io->bins[0];
}

static int32_t integer(napi_env env, napi_value value) {
  int32_t read = -1;
  napi_get_value_int32(env, value, &read);
  return read;
}

static void *bytes_of(napi_env env, napi_value value, size_t *bytes) {
  void *data = NULL;
  napi_typedarray_type type;
  size_t length = 0;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok) length = 0;
  const size_t unit = type == napi_uint8_array ? 1 : type == napi_float64_array ? 8 : 4;
  *bytes = length * unit;
  return data;
}

static napi_value number(napi_env env, double value) {
  napi_value made;
  napi_create_double(env, value, &made);
  return made;
}

static napi_value small(napi_env env, int32_t value) {
  napi_value made;
  napi_create_int32(env, value, &made);
  return made;
}

static napi_value truth(napi_env env, bool value) {
  napi_value made;
  napi_get_boolean(env, value, &made);
  return made;
}

static bool queue_of(napi_env env, const arguments *given, int *queue) {
  *queue = integer(env, given->values[1]);
  return *queue >= 0 && *queue < MAX_QUEUES && given->io->taken[*queue];
}

/* Ends the thread and closes what is open. The memory stays until JavaScript has let go of the handle. */
static void shut(media_io *io) {
  if (!io->bins[0]) return;
  thread_stop(io);
  for (int place = 0; place < MAX_SOCKETS; place++) {
    if (io->sockets[place].fd >= 0) close(io->sockets[place].fd);
    io->sockets[place].fd = -1;
  }
  close(io->epoll);
  free(io->batch);
  io->bins[0] = NULL;
}

static void shut_with_thread(void *io) { shut(io); }

static void forget(napi_env env, void *data, void *hint) {
  (void)hint;
  media_io *io = data;
  napi_remove_env_cleanup_hook(env, shut_with_thread, io);
  shut(io);
  for (int i = 0; i < MEMORIES; i++) napi_delete_reference(env, (napi_ref)io->memories[i]);
  free(io);
}

/*
 * The media thread may run under SCHED_FIFO, the thread of JavaScript does not: whoever holds what the media thread waits for
 * has its priority for so long, or anything else on the machine could keep frames waiting. A kernel without it does as before.
 */
static void mutex_prepare(pthread_mutex_t *mutex) {
  pthread_mutexattr_t inherits;
  pthread_mutexattr_init(&inherits);
  pthread_mutexattr_setprotocol(&inherits, PTHREAD_PRIO_INHERIT);
  if (pthread_mutex_init(mutex, &inherits) != 0) pthread_mutex_init(mutex, NULL);
  pthread_mutexattr_destroy(&inherits);
}

/* open(binA, binB, slots, counts): the handle. The arrays must stay the same size; they are kept while the handle is. */
static napi_value js_open(napi_env env, napi_callback_info info) {
  napi_value values[MEMORIES], handle;
  size_t size = MEMORIES, bytes[MEMORIES];
  void *memories[MEMORIES];
  napi_get_cb_info(env, info, &size, values, NULL, NULL);
  for (int i = 0; i < MEMORIES; i++) memories[i] = bytes_of(env, values[i], &bytes[i]);
  media_io *io = calloc(1, sizeof *io);
  const bool fits = bytes[0] == bytes[1] && bytes[0] >= MAX_DATAGRAM * 2 &&
                    bytes[2] == sizeof(frame_slot) * MAX_QUEUES * QUEUE_SLOTS && bytes[3] == sizeof(queue_counts) * MAX_QUEUES;
  if (!io || !fits || !receive_prepare(io) || (io->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) {
    if (io) free(io->batch);
    free(io);
    napi_throw_error(env, NULL, "no memory or descriptor for sockets");
    return NULL;
  }
  mutex_prepare(&io->receiving);
  mutex_prepare(&io->sending);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&io->wake, &monotonic);
  pthread_cond_init(&io->batch_left, NULL);
  for (int place = 0; place < MAX_SOCKETS; place++) io->sockets[place].fd = -1;
  io->bins[0] = memories[0];
  io->bins[1] = memories[1];
  io->bin_bytes = bytes[0];
  io->slots = memories[2];
  io->counts = memories[3];
  for (int i = 0; i < MEMORIES; i++) napi_create_reference(env, values[i], 1, (napi_ref *)&io->memories[i]);
  napi_add_env_cleanup_hook(env, shut_with_thread, io);
  napi_create_external(env, io, forget, NULL, &handle);
  return handle;
}

/* close(io): everything that it opened is closed; further calls do nothing. */
static napi_value js_close(napi_env env, napi_callback_info info) {
  arguments given;
  if (read_arguments(env, info, &given)) shut(given.io);
  return NULL;
}

/* bind(io, host, port, receiveBytes, head): id, or -errno; the address that it is bound to is put into `head`. */
static napi_value js_bind(napi_env env, napi_callback_info info) {
  arguments given;
  char host[64];
  size_t length, bytes;
  if (!read_arguments(env, info, &given)) return small(env, -EBADF);
  if (napi_get_value_string_utf8(env, given.values[1], host, sizeof host, &length) != napi_ok) return small(env, -EINVAL);
  packet_head *head = bytes_of(env, given.values[4], &bytes);
  if (bytes < sizeof *head) return small(env, -EINVAL);
  const int32_t id = socket_open(given.io, host, integer(env, given.values[2]), integer(env, given.values[3]));
  if (id >= 0) socket_address(given.io, id, head);
  return small(env, id);
}

/* unbind(io, id) */
static napi_value js_unbind(napi_env env, napi_callback_info info) {
  arguments given;
  if (read_arguments(env, info, &given)) socket_close(given.io, integer(env, given.values[1]));
  return NULL;
}

/* receive(io): which bin, in the lowest bit, and how many bytes of it are full; it is JavaScript's until the next call. */
static napi_value js_receive(napi_env env, napi_callback_info info) {
  arguments given;
  if (!read_arguments(env, info, &given)) return small(env, 0);
  media_io *io = given.io;
  pthread_mutex_lock(&io->receiving);
  receive_arrived(io);
  const int32_t full = (int32_t)io->filled | io->filling;
  io->filling = 1 - io->filling;
  io->filled = 0;
  pthread_mutex_unlock(&io->receiving);
  return small(env, full);
}

/* send(io, outbox, bytes): how many datagrams have left. */
static napi_value js_send(napi_env env, napi_callback_info info) {
  arguments given;
  size_t bytes;
  if (!read_arguments(env, info, &given)) return small(env, 0);
  const uint8_t *outbox = bytes_of(env, given.values[1], &bytes);
  const int32_t used = integer(env, given.values[2]);
  return small(env, used < 0 || (size_t)used > bytes ? 0 : send_outbox(given.io, outbox, (size_t)used));
}

/* openQueue(io, id): place of the queue, or -1. */
static napi_value js_open_queue(napi_env env, napi_callback_info info) {
  arguments given;
  if (!read_arguments(env, info, &given) || !thread_start(given.io)) return small(env, -1);
  return small(env, queue_open(given.io, integer(env, given.values[1])));
}

/* closeQueue(io, queue) */
static napi_value js_close_queue(napi_env env, napi_callback_info info) {
  arguments given;
  int queue;
  if (read_arguments(env, info, &given) && queue_of(env, &given, &queue)) queue_close(given.io, queue);
  return NULL;
}

/* aim(io, queue, head): where its frames go from now on. */
static napi_value js_aim(napi_env env, napi_callback_info info) {
  arguments given;
  int queue;
  size_t bytes;
  if (!read_arguments(env, info, &given) || !queue_of(env, &given, &queue)) return NULL;
  const packet_head *head = bytes_of(env, given.values[2], &bytes);
  if (bytes >= sizeof *head) queue_aim(given.io, queue, head);
  return NULL;
}

/* takeBack(io, queue, atMost): how many of the newest frames were taken back. */
static napi_value js_take_back(napi_env env, napi_callback_info info) {
  arguments given;
  int queue;
  if (!read_arguments(env, info, &given) || !queue_of(env, &given, &queue)) return small(env, 0);
  return small(env, queue_take_back(given.io, queue, (uint32_t)integer(env, given.values[2])));
}

/* wake(io, dueMs): a frame due then has been queued. */
static napi_value js_wake(napi_env env, napi_callback_info info) {
  arguments given;
  double due;
  if (read_arguments(env, info, &given) && napi_get_value_double(env, given.values[1], &due) == napi_ok) queue_wake(given.io, due);
  return NULL;
}

/* counters(io, into): in the order of media-io.h. */
static napi_value js_counters(napi_env env, napi_callback_info info) {
  arguments given;
  size_t bytes;
  if (!read_arguments(env, info, &given)) return NULL;
  double *into = bytes_of(env, given.values[1], &bytes);
  for (size_t i = 0; i < COUNTERS && i < bytes / sizeof *into; i++) into[i] = (double)atomic_load(&given.io->counters[i]);
  return NULL;
}

/* addressOf(text, port, head): false when the text is no numeric address. */
static napi_value js_address_of(napi_env env, napi_callback_info info) {
  napi_value values[3];
  size_t size = 3, length, bytes;
  char text[96];
  napi_get_cb_info(env, info, &size, values, NULL, NULL);
  packet_head *head = bytes_of(env, values[2], &bytes);
  const bool readable = napi_get_value_string_utf8(env, values[0], text, sizeof text, &length) == napi_ok;
  return truth(env, readable && bytes >= sizeof *head && address_of_text(text, integer(env, values[1]), head));
}

/* textOf(head): the address as text. */
static napi_value js_text_of(napi_env env, napi_callback_info info) {
  napi_value value, text;
  size_t size = 1, bytes;
  char written[96] = "";
  napi_get_cb_info(env, info, &size, &value, NULL, NULL);
  const packet_head *head = bytes_of(env, value, &bytes);
  if (bytes >= sizeof *head && !address_text(head, written, sizeof written)) written[0] = 0;
  napi_create_string_latin1(env, written, NAPI_AUTO_LENGTH, &text);
  return text;
}

/* now(): milliseconds of the clock that arrivals and due times are in. */
static napi_value js_now(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, (double)monotonic_ns() / 1e6);
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {
      {"open", js_open},           {"close", js_close},          {"bind", js_bind},       {"unbind", js_unbind},
      {"receive", js_receive},     {"send", js_send},            {"openQueue", js_open_queue}, {"closeQueue", js_close_queue},
      {"aim", js_aim},             {"takeBack", js_take_back},   {"wake", js_wake},       {"counters", js_counters},
      {"addressOf", js_address_of}, {"textOf", js_text_of},      {"now", js_now},
  };
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    napi_value made;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &made);
    napi_set_named_property(env, exports, functions[i].name, made);
  }
  napi_value digest;
  napi_create_string_latin1(env, "media-io source " SOURCE_DIGEST, NAPI_AUTO_LENGTH, &digest);
  napi_set_named_property(env, exports, "source", digest);
  return exports;
}
