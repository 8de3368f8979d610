// Ports inside a container that lead to a socket of the host: init makes the listener in the container's network, the
// spawner accepts from it, says whose connection it is, and relays.
#define _GNU_SOURCE
#include "egress.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host.h"
#include "link.h"
#include "relay.h"
#include "spawner.h"

enum {
  LISTENERS_MAX = 1024,
  LISTENERS_A_BOX = 16,
  LIMIT_US = 5000000,
  INDEX_BITS = 10,
  ACCEPTS_FREE = 32, // so many in one go, and then…
  PAUSE_US = 10000,  // …this: a connection costs us more than the tenant
};

struct listener {
  uint32_t generation;
  struct box *box; // NULL: free
  struct listener *next;
  int fd; // -1: init was asked for it
  uint16_t port;
  uint32_t accepted;
  struct timer timer;
  char path[PATH_LENGTH_MAX + 1];
};

static struct listener *listeners, *freed;
static uint32_t fresh;

void egress_open(void) {
  listeners = arena(LISTENERS_MAX * sizeof *listeners);
}

// ---- the table ----

static struct listener *take_listener(struct box *b) {
  struct listener *l = freed;
  if (b->listener_count == LISTENERS_A_BOX) return NULL;
  if (l) freed = l->next;
  else if (fresh < LISTENERS_MAX) l = &listeners[fresh++];
  else return NULL;
  l->generation = (l->generation + 1) & 0xffff;
  l->box = b;
  l->fd = -1;
  l->next = b->listeners;
  b->listeners = l;
  b->listener_count++;
  return l;
}

static void free_listener(struct listener *l) {
  struct listener **at = &l->box->listeners;
  while (*at != l) at = &(*at)->next;
  *at = l->next;
  l->box->listener_count--;
  timer_clear(&l->timer);
  if (l->fd >= 0) close(l->fd);
  l->box = NULL;
  l->next = freed;
  freed = l;
}

static struct listener *listener_at(uint32_t index, uint32_t generation) {
  struct listener *l = index < fresh ? &listeners[index] : NULL;
  return l && l->box && l->generation == generation ? l : NULL;
}

void egress_end(struct box *b) {
  while (b->listeners) free_listener(b->listeners);
}

static void watch_listener(struct listener *l, int op) {
  relays_watch(l->fd, ON_EGRESS, (uint32_t)(l - listeners), l->generation, EPOLLIN, op);
}

// ---- opening ----

static void fail(struct listener *l, uint32_t error) {
  send_failed(l->box->id, 0, error, "egress", strerror((int)error));
  free_listener(l);
}

static void limit_passed(void *owner) {
  fail(owner, ETIMEDOUT);
}

static uint32_t refusal(const struct box *b, const struct frame *f) {
  if (b->state != BOX_LIVE && b->state != BOX_FROZEN) return ESRCH;
  if (b->freeze_wanted) return EBUSY;
  bool sound = f->port && f->path.len && f->path.len <= PATH_LENGTH_MAX && f->path.at[0] == '/';
  return sound ? 0 : EINVAL;
}

void box_egress(struct box *b, const struct frame *f) {
  uint32_t error = refusal(b, f);
  struct listener *l = error ? NULL : take_listener(b);
  if (!l) {
    if (!error) error = EAGAIN;
    send_failed(b->id, 0, error, "egress", strerror((int)error));
    return;
  }
  memcpy(l->path, f->path.at, f->path.len);
  l->path[f->path.len] = 0;
  l->port = f->port;
  timer_set(&l->timer, now_us() + LIMIT_US, limit_passed, l);
  struct knock k = { .type = KNOCK_LISTEN, .port = l->port };
  k.number = (uint32_t)(l - listeners) | l->generation << INDEX_BITS;
  error = (uint32_t)box_tell(b, (char *)&k, sizeof k, NULL, 0);
  if (error) fail(l, error);
}

static bool is_listening(int fd) {
  int on = 0;
  socklen_t size = sizeof on;
  return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

void egress_answered(struct box *b, uint32_t number, uint32_t error, int fd) {
  struct listener *l = listener_at(number & ((1 << INDEX_BITS) - 1), number >> INDEX_BITS);
  bool ours = l && l->box == b && l->fd < 0;
  if (!error && !is_listening(fd)) error = EMFILE; // the descriptor did not get through
  if (!ours || error) {
    if (fd >= 0) close(fd);
    if (ours) fail(l, error);
    return;
  }
  timer_clear(&l->timer);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  l->fd = fd;
  watch_listener(l, EPOLL_CTL_ADD);
  out_begin(R_LISTENING, b->id);
  out_end();
}

// ---- connections ----

// A socket's address has no descriptor form but this one; the host's paths mean nothing below our own root.
static int connect_outside(const char *path) {
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  int there = host_open(path, O_PATH, 0);
  int fd = there < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  snprintf(a.sun_path, sizeof a.sun_path, "self/fd/%d", there);
  bool done = fd >= 0 && fchdir(spawner.proc) == 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
  if (chdir("/")) die("chdir: %s", strerror(errno));
  if (there >= 0) close(there);
  if (done) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static bool introduce(int fd, const struct box *b) {
  TEXT(line, 256);
  sayf(&line, "container %s %s\n", b->hostname, b->kept ? b->label : "-");
  return send(fd, line.at, line.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)line.len;
}

static void relay_connection(struct listener *l, int inside) {
  struct relay *r = relay_new();
  if (!r) {
    close(inside);
    return;
  }
  r->side[INSIDE].fd = inside;
  r->side[OUTSIDE].fd = relay_join(r, l->box) ? connect_outside(l->path) : -1;
  if (r->side[OUTSIDE].fd >= 0 && introduce(r->side[OUTSIDE].fd, l->box)) relay_begin(r);
  else relay_close(r);
}

static void listen_again(void *owner) {
  watch_listener(owner, EPOLL_CTL_ADD);
}

static void pause_listener(struct listener *l) {
  watch_listener(l, EPOLL_CTL_DEL);
  timer_set(&l->timer, now_us() + PAUSE_US, listen_again, l);
}

void egress_accept(uint32_t index, uint32_t generation) {
  struct listener *l = listener_at(index, generation);
  if (!l) return;
  int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  bool failed = fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED;
  if (fd >= 0) relay_connection(l, fd);
  if (failed || (fd >= 0 && ++l->accepted % ACCEPTS_FREE == 0)) pause_listener(l);
}
