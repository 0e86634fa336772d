/* Sockets by id, and addresses between text, kernel and JavaScript. */
#include "media-io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PLACE(id) ((id) & (MAX_SOCKETS - 1))
/* Ids stay positive 31-bit numbers: small integers to JavaScript. */
#define MAX_TURN ((1 << (30 - PLACE_BITS)) - 1)

static bool lookup_numeric(const char *text, int port, struct addrinfo **found) {
  char service[8];
  snprintf(service, sizeof service, "%d", port);
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
  return getaddrinfo(text, service, &hints, found) == 0;
}

static void address_from_kernel(const struct sockaddr *address, packet_head *into) {
  if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    into->family_port = 6 << 16 | ntohs(six->sin6_port);
    memcpy(into->address, &six->sin6_addr, 16);
    into->scope = six->sin6_scope_id;
  } else {
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    into->family_port = 4 << 16 | ntohs(four->sin_port);
    into->address[0] = four->sin_addr.s_addr;
    into->address[1] = into->address[2] = into->address[3] = into->scope = 0;
  }
}

socklen_t address_to_kernel(const packet_head *head, struct sockaddr_storage *into) {
  if (head->family_port >> 16 == 6) {
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)into;
    memset(six, 0, sizeof *six);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)head->family_port);
    memcpy(&six->sin6_addr, head->address, 16);
    six->sin6_scope_id = head->scope;
    return sizeof *six;
  }
  struct sockaddr_in *four = (struct sockaddr_in *)into;
  memset(four, 0, sizeof *four);
  four->sin_family = AF_INET;
  four->sin_port = htons((uint16_t)head->family_port);
  four->sin_addr.s_addr = head->address[0];
  return sizeof *four;
}

bool address_of_text(const char *text, int port, packet_head *into) {
  struct addrinfo *found;
  if (!lookup_numeric(text, port, &found)) return false;
  address_from_kernel(found->ai_addr, into);
  freeaddrinfo(found);
  return true;
}

bool address_text(const packet_head *head, char *into, size_t size) {
  struct sockaddr_storage address;
  const socklen_t length = address_to_kernel(head, &address);
  return getnameinfo((struct sockaddr *)&address, length, into, size, NULL, 0, NI_NUMERICHOST) == 0;
}

static int bound_socket(const struct addrinfo *local, int receive_bytes) {
  const int fd = socket(local->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  if (bind(fd, local->ai_addr, local->ai_addrlen) == 0) return fd;
  const int fault = -errno;
  close(fd);
  return fault;
}

int socket_open(media_io *io, const char *host, int port, int receive_bytes) {
  if (io->open_sockets == MAX_SOCKETS) return -EMFILE;
  struct addrinfo *local;
  if (!lookup_numeric(host, port, &local)) return -EINVAL;
  const int fd = bound_socket(local, receive_bytes);
  freeaddrinfo(local);
  if (fd < 0) return fd;

  pthread_mutex_lock(&io->receiving);
  while (io->sockets[io->next_place].fd >= 0) io->next_place = (io->next_place + 1) % MAX_SOCKETS;
  udp_socket *socket = &io->sockets[io->next_place];
  const int32_t id = socket->turn << PLACE_BITS | io->next_place;
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)id};
  const int watched = epoll_ctl(io->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? id : -errno;
  if (watched >= 0) {
    socket->fd = fd;
    socket->overflow = 0;
    socket->ready = false;
    io->open_sockets++;
    io->next_place = (io->next_place + 1) % MAX_SOCKETS;
  } else close(fd);
  pthread_mutex_unlock(&io->receiving);
  return watched;
}

int socket_fd(const media_io *io, int32_t id) {
  if (id < 0) return -1;
  const udp_socket *socket = &io->sockets[PLACE(id)];
  return socket->turn == id >> PLACE_BITS ? socket->fd : -1;
}

void socket_address(const media_io *io, int32_t id, packet_head *into) {
  struct sockaddr_storage local;
  socklen_t length = sizeof local;
  if (getsockname(socket_fd(io, id), (struct sockaddr *)&local, &length) == 0) address_from_kernel((struct sockaddr *)&local, into);
}

void socket_close(media_io *io, int32_t id) {
  const int fd = socket_fd(io, id);
  if (fd < 0) return;
  pthread_mutex_lock(&io->sending);
  for (int i = 0; i < io->open_queues;) {
    const int queue = io->order[i++];
    if (io->queues[queue].socket != PLACE(id)) continue;
    pthread_mutex_unlock(&io->sending);
    queue_close(io, queue);
    pthread_mutex_lock(&io->sending);
    i = 0;
  }
  /* The number of a closed descriptor may be given to another socket: nothing may still be leaving by it. */
  while (io->batch_on_its_way) pthread_cond_wait(&io->batch_left, &io->sending);
  pthread_mutex_lock(&io->receiving);
  receive_forget(io, id);
  udp_socket *socket = &io->sockets[PLACE(id)];
  socket->fd = -1;
  socket->turn = socket->turn == MAX_TURN ? 0 : socket->turn + 1;
  io->open_sockets--;
  close(fd);
  pthread_mutex_unlock(&io->receiving);
  pthread_mutex_unlock(&io->sending);
}
