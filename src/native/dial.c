// Connections that the control plane makes to ports inside containers: a head says where to, init makes the socket in
// the container's network, and from then on the relay runs.
#define _GNU_SOURCE
#include "dial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"
#include "loop.h"
#include "relay.h"
#include "spawner.h"

enum { LIMIT_US = 5000000, PAUSE_US = 20000, INDEX_BITS = 13 };

static int listener = -1;
static struct timer rest;

static void listen_again(void *owner) {
  (void)owner;
  relays_watch(listener, ON_DIAL, 0, 0, EPOLLIN, EPOLL_CTL_ADD);
}

void dial_open(int fd) {
  listener = fd;
  if (listener >= 0) listen_again(NULL);
}

// ---- answering ----

static bool say_answer(struct relay *r, uint32_t error) {
  char bytes[4];
  for (unsigned i = 0; i < 4; i++) bytes[i] = (char)(error >> (8 * i));
  return send(r->side[OUTSIDE].fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof bytes;
}

static void refuse(struct relay *r, uint32_t error) {
  say_answer(r, error);
  relay_close(r);
}

static void limit_passed(void *owner) {
  struct relay *r = owner;
  if (r->state == RELAY_HEAD) relay_close(r);
  else refuse(r, ETIMEDOUT);
}

// ---- inside ----

static void ask(struct relay *r) {
  struct knock k = { .type = KNOCK_DIAL, .six = r->six, .port = r->port };
  k.number = relay_index(r) | r->generation << INDEX_BITS;
  r->state = RELAY_ASKED;
  int error = box_tell(r->box, (char *)&k, sizeof k, NULL, 0);
  if (error) refuse(r, (uint32_t)error);
}

// Whoever listens on ::1 alone is found there; what is said is what 127.0.0.1 answered.
static void on_refusal(struct relay *r, uint32_t error) {
  relay_drop(r, INSIDE);
  if (r->six || error != ECONNREFUSED) {
    refuse(r, r->six ? ECONNREFUSED : error);
    return;
  }
  r->six = true;
  ask(r);
}

static bool is_stream(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

void dial_answered(struct box *b, uint32_t number, uint32_t error, int fd) {
  struct relay *r = relay_at(number & ((1 << INDEX_BITS) - 1), number >> INDEX_BITS);
  bool ours = r && r->box == b && r->state == RELAY_ASKED;
  if (!error && !is_stream(fd)) error = EMFILE; // the descriptor did not get through
  if (!ours || error) {
    if (fd >= 0) close(fd);
    if (ours) on_refusal(r, error);
    return;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  r->side[INSIDE].fd = fd;
  r->state = RELAY_CONNECTING;
  relay_await(r, INSIDE, EPOLLOUT);
}

static void on_connected(struct relay *r) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(r->side[INSIDE].fd, SOL_SOCKET, SO_ERROR, &error, &size)) error = errno;
  if (error) on_refusal(r, (uint32_t)error);
  else if (say_answer(r, 0)) relay_begin(r);
  else relay_close(r);
}

// ---- outside ----

static void on_head(struct relay *r) {
  const unsigned char *h = (const unsigned char *)r->head;
  struct box *b = box_find((uint32_t)h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 24);
  bool running = b && (b->state == BOX_LIVE || b->state == BOX_FROZEN);
  r->port = (uint16_t)(h[4] | h[5] << 8);
  uint32_t error = !running ? ESRCH : b->freeze_wanted ? EBUSY : r->port == 0 ? EINVAL : 0;
  if (!error && !relay_join(r, b)) error = EAGAIN;
  if (error) {
    refuse(r, error);
    return;
  }
  // What it says before the answer stays with it until then.
  relay_ignore(r, OUTSIDE);
  timer_set(&r->limit, now_us() + LIMIT_US, limit_passed, r);
  ask(r);
}

static void read_head(struct relay *r) {
  ssize_t n = recv(r->side[OUTSIDE].fd, r->head + r->have, sizeof r->head - r->have, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    relay_close(r);
    return;
  }
  r->have += (uint32_t)n;
  if (r->have == sizeof r->head) on_head(r);
}

void dial_ready(struct relay *r) {
  if (r->state == RELAY_HEAD) read_head(r);
  else if (r->state == RELAY_CONNECTING) on_connected(r);
}

void dial_accept(void) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
    // Who waits is still there when a descriptor is.
    relays_watch(listener, ON_DIAL, 0, 0, 0, EPOLL_CTL_DEL);
    timer_set(&rest, now_us() + PAUSE_US, listen_again, NULL);
  }
  if (fd < 0) return;
  struct relay *r = is_known_peer(fd) ? relay_new() : NULL;
  if (!r) {
    static const char busy[4] = { EAGAIN };
    if (send(fd, busy, sizeof busy, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) errno = 0;
    close(fd);
    return;
  }
  r->side[OUTSIDE].fd = fd;
  timer_set(&r->limit, now_us() + LIMIT_US, limit_passed, r);
  relay_await(r, OUTSIDE, EPOLLIN);
}
