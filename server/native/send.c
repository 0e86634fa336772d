/*
 * What leaves: JavaScript's outbox at once, and queued frames when they are due.
 *
 * A queue is written by JavaScript without a lock (`written`) and read by the media thread (`left`). Frames are claimed
 * under the lock, so that taking back and claiming never cross; they are sent after it, from slots that are not written
 * again before several more have left.
 */
#include "media-io.h"

#include <math.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define LATE_MS 5.0
/* A frame due this soon leaves now: waking up once more costs more than it is early. */
#define EARLY_MS 0.5
/* With queues open and nothing in them: JavaScript wakes the thread when that changes, this is the net below. */
#define IDLE_MS 100.0
#define REAL_TIME_PRIORITY 10

typedef struct {
  int fd[BATCH];
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  struct sockaddr_storage addresses[BATCH];
  unsigned size;
} send_batch;

static void batch_add(send_batch *batch, int fd, const void *bytes, int32_t length) {
  const unsigned i = batch->size++;
  batch->fd[i] = fd;
  batch->vectors[i] = (struct iovec){(void *)bytes, (size_t)length};
  batch->messages[i].msg_hdr = (struct msghdr){
      .msg_name = &batch->addresses[i],
      .msg_iov = &batch->vectors[i],
      .msg_iovlen = 1,
  };
}

/* Sends neighbours of one socket in one call. What the kernel refuses is lost, as on the network; the rest goes on. */
static int batch_send(media_io *io, send_batch *batch) {
  unsigned sent = 0;
  for (unsigned from = 0; from < batch->size;) {
    unsigned to = from + 1;
    while (to < batch->size && batch->fd[to] == batch->fd[from]) to++;
    int done;
    if (to - from == 1) {
      const struct msghdr *one = &batch->messages[from].msg_hdr;
      done = sendto(batch->fd[from], one->msg_iov->iov_base, one->msg_iov->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL, one->msg_name,
                    one->msg_namelen) >= 0;
    } else done = sendmmsg(batch->fd[from], &batch->messages[from], to - from, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done > 0) {
      sent += (unsigned)done;
      from += (unsigned)done;
    } else from++;
  }
  count(io, SENT, sent);
  count(io, UNSENT, batch->size - sent);
  batch->size = 0;
  return (int)sent;
}

int send_outbox(media_io *io, const uint8_t *outbox, size_t bytes) {
  send_batch batch;
  batch.size = 0;
  int sent = 0;
  for (size_t at = 0; at + sizeof(packet_head) <= bytes;) {
    const packet_head *head = (const packet_head *)(outbox + at);
    if (head->length < 0 || (size_t)head->length > bytes - at - sizeof *head) break;
    at += ROUND_UP(sizeof *head + (size_t)head->length, 8);
    const int fd = socket_fd(io, head->socket);
    if (fd < 0) {
      count(io, UNSENT, 1);
      continue;
    }
    const unsigned i = batch.size;
    batch_add(&batch, fd, head + 1, head->length);
    batch.messages[i].msg_hdr.msg_namelen = address_to_kernel(head, &batch.addresses[i]);
    if (batch.size == BATCH) sent += batch_send(io, &batch);
  }
  return sent + batch_send(io, &batch);
}

int queue_open(media_io *io, int32_t socket_id) {
  if (socket_fd(io, socket_id) < 0) return -1;
  const int socket = socket_id & (MAX_SOCKETS - 1);
  pthread_mutex_lock(&io->sending);
  int queue = 0;
  while (queue < MAX_QUEUES && io->taken[queue]) queue++;
  if (queue < MAX_QUEUES) {
    io->taken[queue] = true;
    io->queues[queue].socket = socket;
    io->queues[queue].address_length = 0;
    atomic_store(&io->counts[queue].written, 0);
    atomic_store(&io->counts[queue].left, 0);
    atomic_store(&io->counts[queue].late, 0);
    int at = io->open_queues++;
    for (int i = 0; i < at; i++) {
      if (io->queues[io->order[i]].socket == socket) at = i;
    }
    memmove(&io->order[at + 1], &io->order[at], (size_t)(io->open_queues - 1 - at) * sizeof io->order[0]);
    io->order[at] = (int16_t)queue;
    io->order_changed = true;
  } else queue = -1;
  pthread_mutex_unlock(&io->sending);
  return queue;
}

void queue_close(media_io *io, int queue) {
  pthread_mutex_lock(&io->sending);
  if (io->taken[queue]) {
    int at = 0;
    while (io->order[at] != queue) at++;
    io->open_queues--;
    io->order_changed = true;
    memmove(&io->order[at], &io->order[at + 1], (size_t)(io->open_queues - at) * sizeof io->order[0]);
    /* Its last frame may be on its way from its slot, which the next owner of the queue would write over. */
    while (io->batch_on_its_way) pthread_cond_wait(&io->batch_left, &io->sending);
    io->taken[queue] = false;
  }
  pthread_mutex_unlock(&io->sending);
}

void queue_aim(media_io *io, int queue, const packet_head *at) {
  pthread_mutex_lock(&io->sending);
  io->queues[queue].address_length = address_to_kernel(at, &io->queues[queue].address);
  pthread_mutex_unlock(&io->sending);
}

void queue_wake(media_io *io, double due) {
  pthread_mutex_lock(&io->sending);
  if (due < io->wakes_at) {
    io->wakes_at = due;
    pthread_cond_signal(&io->wake);
  }
  pthread_mutex_unlock(&io->sending);
}

int queue_take_back(media_io *io, int queue, uint32_t at_most) {
  queue_counts *counts = &io->counts[queue];
  pthread_mutex_lock(&io->sending);
  const uint32_t written = atomic_load(&counts->written);
  const uint32_t waiting = written - atomic_load(&counts->left);
  const uint32_t taken = waiting < at_most ? waiting : at_most;
  atomic_store(&counts->written, written - taken);
  pthread_mutex_unlock(&io->sending);
  count(io, TAKEN_BACK, taken);
  return (int)taken;
}

/* Claims due frames from `*from` on, as many as one batch takes; puts into `*next` when the next one is due. */
static bool claim(media_io *io, send_batch *batch, int *from, double now, double *next) {
  for (; *from < io->open_queues; (*from)++) {
    const int queue = io->order[*from];
    frame_queue *own = &io->queues[queue];
    queue_counts *counts = &io->counts[queue];
    uint32_t left = atomic_load_explicit(&counts->left, memory_order_relaxed);
    const uint32_t written = atomic_load_explicit(&counts->written, memory_order_acquire);
    for (; left != written; left++) {
      const frame_slot *slot = &io->slots[queue * QUEUE_SLOTS + (int)(left % QUEUE_SLOTS)];
      if (slot->due > now + EARLY_MS) {
        if (slot->due < *next) *next = slot->due;
        break;
      }
      if (batch->size == BATCH) return true;
      const bool late = now - slot->due > LATE_MS;
      atomic_fetch_add_explicit(&counts->late, late, memory_order_relaxed);
      count(io, LEFT_LATE, late);
      count(io, LEFT, 1);
      const int32_t length = slot->length;
      if (own->address_length > 0 && length > 0 && length <= (int32_t)sizeof slot->bytes) {
        const unsigned i = batch->size;
        batch_add(batch, io->sockets[own->socket].fd, slot->bytes, length);
        batch->addresses[i] = own->address;
        batch->messages[i].msg_hdr.msg_namelen = own->address_length;
      } else count(io, UNSENT, 1);
      atomic_store_explicit(&counts->left, left + 1, memory_order_release);
    }
  }
  return false;
}

static void wait_until(media_io *io, double ms) {
  struct timespec until = {(time_t)(ms / 1e3), 0};
  until.tv_nsec = (long)((ms - (double)until.tv_sec * 1e3) * 1e6);
  pthread_cond_timedwait(&io->wake, &io->sending, &until);
}

static void *media_thread(void *argument) {
  media_io *io = argument;
  /* Where it is permitted (CAP_SYS_NICE): frames leave on time also on a busy machine. */
  const struct sched_param priority = {.sched_priority = REAL_TIME_PRIORITY};
  pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
  prctl(PR_SET_NAME, "media-io");
  prctl(PR_SET_TIMERSLACK, 20000UL);
  send_batch batch;
  batch.size = 0;
  pthread_mutex_lock(&io->sending);
  while (!io->stopping) {
    const double now = (double)monotonic_ns() / 1e6;
    double next = io->open_queues == 0 ? INFINITY : now + IDLE_MS;
    io->wakes_at = INFINITY;
    int from = 0;
    bool more, any = false;
    do {
      if (io->order_changed) from = 0;
      io->order_changed = false;
      more = claim(io, &batch, &from, now, &next);
      if (batch.size == 0) break;
      any = io->batch_on_its_way = true;
      pthread_mutex_unlock(&io->sending);
      batch_send(io, &batch);
      pthread_mutex_lock(&io->sending);
      io->batch_on_its_way = false;
      pthread_cond_broadcast(&io->batch_left);
    } while (more);
    if (any) {
      pthread_mutex_unlock(&io->sending);
      pthread_mutex_lock(&io->receiving);
      receive_arrived(io);
      pthread_mutex_unlock(&io->receiving);
      pthread_mutex_lock(&io->sending);
    }
    if (io->stopping) break;
    /* What JavaScript queued meanwhile may be due before what was seen above. */
    if (io->wakes_at < next) next = io->wakes_at;
    io->wakes_at = next;
    if (next == INFINITY) pthread_cond_wait(&io->wake, &io->sending);
    else wait_until(io, next);
  }
  pthread_mutex_unlock(&io->sending);
  return NULL;
}

bool thread_start(media_io *io) {
  if (!io->thread_runs) io->thread_runs = pthread_create(&io->thread, NULL, media_thread, io) == 0;
  return io->thread_runs;
}

void thread_stop(media_io *io) {
  if (!io->thread_runs) return;
  pthread_mutex_lock(&io->sending);
  io->stopping = true;
  pthread_cond_signal(&io->wake);
  pthread_mutex_unlock(&io->sending);
  pthread_join(io->thread, NULL);
  io->thread_runs = io->stopping = false;
}
