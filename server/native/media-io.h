/*
 * Batched UDP for many calls, behind Node-API. One `media_io` belongs to one JavaScript thread:
 *
 *     sockets ──recvmmsg──▶ bin being filled ──swap──▶ bin being read          JavaScript, every 10 ms
 *     sockets ◀──sendmmsg── outbox, handed over whole                          JavaScript, every 10 ms
 *     sockets ◀──sendmmsg── queues of frames, each with the time it is due     the media thread, when they are due
 *
 * The media thread also reads what has arrived whenever it is awake, so that JavaScript finds most of it done. While
 * nobody reads, datagrams wait in the kernel's buffers, which are the bound; the kernel stamps each one's arrival.
 */
#ifndef MEDIA_IO_H
#define MEDIA_IO_H

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* glibc 2.34 gave these new versions without another meaning: ask for the old ones, so that older systems have them. */
#if defined(__GLIBC__) && defined(__x86_64__)
__asm__(".symver pthread_create,pthread_create@GLIBC_2.2.5");
__asm__(".symver pthread_join,pthread_join@GLIBC_2.2.5");
__asm__(".symver pthread_condattr_setclock,pthread_condattr_setclock@GLIBC_2.3.3");
__asm__(".symver pthread_mutexattr_init,pthread_mutexattr_init@GLIBC_2.2.5");
__asm__(".symver pthread_mutexattr_setprotocol,pthread_mutexattr_setprotocol@GLIBC_2.4");
__asm__(".symver pthread_mutexattr_destroy,pthread_mutexattr_destroy@GLIBC_2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver pthread_create,pthread_create@GLIBC_2.17");
__asm__(".symver pthread_join,pthread_join@GLIBC_2.17");
__asm__(".symver pthread_condattr_setclock,pthread_condattr_setclock@GLIBC_2.17");
__asm__(".symver pthread_mutexattr_init,pthread_mutexattr_init@GLIBC_2.17");
__asm__(".symver pthread_mutexattr_setprotocol,pthread_mutexattr_setprotocol@GLIBC_2.17");
__asm__(".symver pthread_mutexattr_destroy,pthread_mutexattr_destroy@GLIBC_2.17");
#endif

/* Sockets and queues that one media_io can hold. The low bits of a socket's id are its place, the others its turn. */
#define PLACE_BITS 13
#define MAX_SOCKETS (1 << PLACE_BITS)
#define MAX_QUEUES 4096

/* A longer datagram is dropped and counted: sound and reports are far shorter. */
#define MAX_DATAGRAM 2048

/* Before each datagram in a bin or outbox; addresses in network order. JavaScript reads and writes the same layout. */
typedef struct {
  int32_t socket;
  int32_t length;
  int32_t family_port; /* 4 or 6 in the upper half, the port in the lower */
  uint32_t address[4];
  uint32_t scope;
  double at; /* of a datagram that arrived: milliseconds on CLOCK_MONOTONIC */
} packet_head;

/* A datagram in a bin begins on a multiple of this: a frame of G.711 with its headers fits. */
#define BIN_STEP 256
#define ROUND_UP(bytes, step) (((bytes) + (step)-1) & ~((step)-1))

/* A frame waiting to leave. */
typedef struct {
  double due; /* milliseconds on CLOCK_MONOTONIC */
  int32_t length;
  int32_t unused;
  uint8_t bytes[240];
} frame_slot;

/* Frames of one queue; more than it ever holds, so that one on its way out is never written over. */
#define QUEUE_SLOTS 8

/* What JavaScript and the media thread share about a queue: a line of cache each. Counts of frames that wrap around. */
typedef struct {
  _Atomic uint32_t written; /* by JavaScript; taken back under the lock */
  _Atomic uint32_t left;    /* by the media thread */
  _Atomic uint32_t late;    /* of `left`: more than 5 ms after they were due */
  uint32_t unused[13];
} queue_counts;

typedef struct {
  int socket; /* place */
  socklen_t address_length;
  struct sockaddr_storage address;
} frame_queue;

typedef struct {
  int fd; /* -1: free */
  int32_t turn;
  uint32_t overflow; /* what the kernel last said it has dropped of this socket */
  bool ready;        /* in `ready`: something may wait in it */
} udp_socket;

enum { MEMORIES = 4 };
enum { RECEIVED, OVERFLOWED, TRUNCATED, SENT, UNSENT, LEFT, LEFT_LATE, TAKEN_BACK, COUNTERS };

typedef struct receive_batch receive_batch;

typedef struct media_io {
  udp_socket sockets[MAX_SOCKETS];
  int open_sockets;
  int next_place;

  /* Receiving: under `receiving`. */
  pthread_mutex_t receiving;
  int epoll;
  receive_batch *batch;
  int32_t ready[MAX_SOCKETS]; /* ids of sockets that have not been read to their end */
  int ready_sockets;
  uint8_t *bins[2];
  size_t bin_bytes;
  int filling;
  size_t filled;
  int64_t wall_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC at the last look, ns */

  /* Sending ahead: under `sending`. */
  pthread_mutex_t sending;
  pthread_cond_t wake;
  pthread_cond_t batch_left;
  pthread_t thread;
  bool thread_runs;
  bool stopping;
  bool batch_on_its_way;
  bool order_changed;
  double wakes_at; /* ms; before it the thread has to be woken */
  bool taken[MAX_QUEUES];
  frame_queue queues[MAX_QUEUES];
  int16_t order[MAX_QUEUES]; /* open queues, those of one socket side by side */
  int open_queues;
  queue_counts *counts;
  frame_slot *slots;

  _Atomic uint64_t counters[COUNTERS];
  void *memories[MEMORIES]; /* JavaScript's arrays that are written to, kept alive */
} media_io;

static inline void count(media_io *io, int which, uint64_t by) {
  atomic_fetch_add_explicit(&io->counters[which], by, memory_order_relaxed);
}

int64_t monotonic_ns(void);

/* sockets.c */
int socket_open(media_io *io, const char *host, int port, int receive_bytes); /* id, or -errno */
void socket_close(media_io *io, int32_t id);
int socket_fd(const media_io *io, int32_t id); /* -1 when closed */
void socket_address(const media_io *io, int32_t id, packet_head *into);
bool address_of_text(const char *text, int port, packet_head *into);
bool address_text(const packet_head *head, char *into, size_t size);
socklen_t address_to_kernel(const packet_head *head, struct sockaddr_storage *into);

/* receive.c */
bool receive_prepare(media_io *io);
void receive_forget(media_io *io, int32_t id); /* the socket is about to be closed; `receiving` is held */
void receive_arrived(media_io *io); /* `receiving` is held */

/* send.c */
int send_outbox(media_io *io, const uint8_t *outbox, size_t bytes);
int queue_open(media_io *io, int32_t socket_id); /* place, or -1 */
void queue_close(media_io *io, int queue);
void queue_aim(media_io *io, int queue, const packet_head *at);
void queue_wake(media_io *io, double due); /* a frame due then has been written */
int queue_take_back(media_io *io, int queue, uint32_t at_most);
bool thread_start(media_io *io);
void thread_stop(media_io *io);

#endif
