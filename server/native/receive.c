/* Everything that has arrived goes into the bin that JavaScript is not reading. */
#include "media-io.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define READY_AT_ONCE 512
#define BATCH 32
/* A look at the two clocks that differs by more from the last one means that the wall clock was set. */
#define CLOCK_STEP_NS 2000000
/* Older than any buffer can be: the stamp is wrong. */
#define OLDEST_NS 10000000000LL

typedef union {
  struct cmsghdr align;
  uint8_t bytes[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t))];
} control_space;

struct receive_batch {
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  struct sockaddr_storage addresses[BATCH];
  control_space controls[BATCH];
  uint8_t bytes[BATCH][MAX_DATAGRAM];
};

static int64_t clock_ns(clockid_t which) {
  struct timespec time;
  clock_gettime(which, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int64_t monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* When it arrived, from the kernel's stamp, which is of the wall clock; now, when that cannot be believed. */
static double arrival_ms(struct msghdr *message, int64_t now, int64_t wall_offset, uint32_t *overflow) {
  int64_t at = now;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_TIMESTAMPNS && wall_offset != 0) {
      struct timespec stamp;
      memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
      const int64_t age = now + wall_offset - (stamp.tv_sec * 1000000000LL + stamp.tv_nsec);
      if (age > 0 && age < OLDEST_NS) at = now - age;
    } else if (part->cmsg_type == SO_RXQ_OVFL) memcpy(overflow, CMSG_DATA(part), sizeof *overflow);
  }
  return (double)at / 1e6;
}

static void put_source(const struct sockaddr_storage *from, packet_head *head) {
  if (from->ss_family == AF_INET) {
    const struct sockaddr_in *four = (const struct sockaddr_in *)from;
    head->family_port = 4 << 16 | ntohs(four->sin_port);
    head->address[0] = four->sin_addr.s_addr;
    head->address[1] = head->address[2] = head->address[3] = head->scope = 0;
    return;
  }
  const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
  head->family_port = 6 << 16 | ntohs(six->sin6_port);
  memcpy(head->address, &six->sin6_addr, sizeof head->address);
  head->scope = six->sin6_scope_id;
}

enum progress { ALL_READ, MORE_WAITS, BIN_FULL };

/* Reads one batch of a socket, as much of it as fits. */
static enum progress receive_batch_of(media_io *io, int32_t id, int64_t now, int64_t wall_offset) {
  receive_batch *batch = io->batch;
  const int fd = socket_fd(io, id);
  if (fd < 0) return ALL_READ;
  size_t room = (io->bin_bytes - io->filled) / ROUND_UP(sizeof(packet_head) + MAX_DATAGRAM, BIN_STEP);
  if (room == 0) return BIN_FULL;
  const unsigned wanted = room < BATCH ? (unsigned)room : BATCH;
  const int got = recvmmsg(fd, batch->messages, wanted, MSG_DONTWAIT, NULL);
  udp_socket *socket = &io->sockets[id & (MAX_SOCKETS - 1)];
  for (int i = 0; i < got; i++) {
    struct msghdr *message = &batch->messages[i].msg_hdr;
    uint32_t overflow = socket->overflow;
    packet_head *head = (packet_head *)(io->bins[io->filling] + io->filled);
    head->at = arrival_ms(message, now, wall_offset, &overflow);
    count(io, OVERFLOWED, overflow - socket->overflow);
    socket->overflow = overflow;
    const unsigned length = batch->messages[i].msg_len;
    if (message->msg_flags & MSG_TRUNC) count(io, TRUNCATED, 1);
    else {
      head->socket = id;
      head->length = (int32_t)length;
      put_source(&batch->addresses[i], head);
      memcpy(head + 1, batch->bytes[i], length);
      io->filled += ROUND_UP(sizeof(packet_head) + length, BIN_STEP);
      count(io, RECEIVED, 1);
    }
    message->msg_namelen = sizeof(struct sockaddr_storage);
    message->msg_controllen = sizeof(control_space);
    message->msg_flags = 0;
  }
  return got == (int)wanted ? MORE_WAITS : ALL_READ;
}

bool receive_prepare(media_io *io) {
  receive_batch *batch = calloc(1, sizeof *batch);
  io->batch = batch;
  if (!batch) return false;
  for (int i = 0; i < BATCH; i++) {
    batch->vectors[i] = (struct iovec){batch->bytes[i], MAX_DATAGRAM};
    batch->messages[i].msg_hdr = (struct msghdr){
        .msg_name = &batch->addresses[i],
        .msg_namelen = sizeof(struct sockaddr_storage),
        .msg_iov = &batch->vectors[i],
        .msg_iovlen = 1,
        .msg_control = &batch->controls[i],
        .msg_controllen = sizeof(control_space),
    };
  }
  io->wall_offset = clock_ns(CLOCK_REALTIME) - monotonic_ns();
  return true;
}

/*
 * Puts the sockets that something has newly arrived at behind those still to be read; true when there may be more. The kernel
 * tells of each arrival once (EPOLLET): asked again and again about what is ready, it would look at every socket twice.
 */
static bool note_ready(media_io *io) {
  struct epoll_event events[READY_AT_ONCE];
  const int told = epoll_wait(io->epoll, events, READY_AT_ONCE, 0);
  for (int i = 0; i < told; i++) {
    const int32_t id = (int32_t)events[i].data.u32;
    udp_socket *socket = &io->sockets[id & (MAX_SOCKETS - 1)];
    if (socket_fd(io, id) < 0 || socket->ready) continue;
    socket->ready = true;
    io->ready[io->ready_sockets++] = id;
  }
  return told == READY_AT_ONCE;
}

void receive_forget(media_io *io, int32_t id) {
  udp_socket *socket = &io->sockets[id & (MAX_SOCKETS - 1)];
  if (!socket->ready) return;
  socket->ready = false;
  int at = 0;
  while (io->ready[at] != id) at++;
  io->ready[at] = io->ready[--io->ready_sockets];
}

void receive_arrived(media_io *io) {
  if (io->open_sockets == 0) return;
  const int64_t now = monotonic_ns();
  const int64_t offset = clock_ns(CLOCK_REALTIME) - now;
  const int64_t step = offset - io->wall_offset;
  const bool believed = step > -CLOCK_STEP_NS && step < CLOCK_STEP_NS;
  io->wall_offset = offset;

  /* Each round takes at most one batch of each socket, so that one that is flooded does not keep the others waiting. */
  for (bool more = true; more;) {
    more = note_ready(io);
    enum progress progress = ALL_READ;
    int kept = 0;
    for (int i = 0; i < io->ready_sockets; i++) {
      const int32_t id = io->ready[i];
      if (progress != BIN_FULL) progress = receive_batch_of(io, id, now, believed ? offset : 0);
      if (progress == ALL_READ) io->sockets[id & (MAX_SOCKETS - 1)].ready = false;
      else io->ready[kept++] = id;
    }
    io->ready_sockets = kept;
    if (progress == BIN_FULL) return;
    if (kept > 0) more = true;
  }
}
