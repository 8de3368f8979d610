// Sockets of a container's network, made by its init for the spawner, which waits for them itself.
#define _GNU_SOURCE
#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128 };

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static socklen_t loopback(union address *a, const struct knock *k) {
  memset(a, 0, sizeof *a);
  if (k->six) {
    a->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(k->port) };
    a->v6.sin6_addr = in6addr_loopback;
    return sizeof a->v6;
  }
  a->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(k->port) };
  a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return sizeof a->v4;
}

static int bind_and_listen(int fd, const union address *a, socklen_t size) {
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return bind(fd, &a->any, size) || listen(fd, BACKLOG) ? -1 : 0;
}

static int begin_connect(int fd, const union address *a, socklen_t size) {
  return connect(fd, &a->any, size) && errno != EINPROGRESS ? -1 : 0;
}

int port_open(const struct knock *k) {
  union address a;
  socklen_t size = loopback(&a, k);
  int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int result = k->type == KNOCK_LISTEN ? bind_and_listen(fd, &a, size) : begin_connect(fd, &a, size);
  if (result == 0) return fd;
  int saved = errno;
  close(fd);
  errno = saved;
  return -1;
}
