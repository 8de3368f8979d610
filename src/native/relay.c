// Bytes both ways between a connection inside a container and one outside, as fast as both take them.
#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "egress.h"
#include "spawner.h"

enum {
  RELAYS_MAX = 8192,
  RELAYS_A_BOX = 1024,
  HELD_MAX = 1 << 16,
  SPARE_MAX = 32, // buffers kept for the next one in need
  EVENTS = 64,
};

static struct relay *relays, *freed;
static uint32_t fresh;
static int epoll = -1;
static char *scratch, *spare[SPARE_MAX];
static int spare_count;

void relays_open(void) {
  relays = arena(RELAYS_MAX * sizeof *relays);
  scratch = arena(HELD_MAX);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) die("epoll: %s", strerror(errno));
}

int relays_fd(void) {
  return epoll;
}

void relays_watch(int fd, enum relay_event kind, uint32_t index, uint32_t generation, uint32_t events, int op) {
  struct epoll_event e = { .events = events };
  e.data.u64 = (uint64_t)kind << 56 | (uint64_t)generation << 32 | index;
  epoll_ctl(epoll, op, fd, &e);
}

// ---- the table ----

struct relay *relay_new(void) {
  struct relay *r = freed;
  if (r) freed = r->next;
  else if (fresh < RELAYS_MAX) r = &relays[fresh++];
  else return NULL;
  *r = (struct relay){ .generation = (r->generation + 1) & 0xffff, .state = RELAY_HEAD };
  r->side[OUTSIDE].fd = r->side[INSIDE].fd = -1;
  return r;
}

bool relay_join(struct relay *r, struct box *b) {
  if (b->relay_count == RELAYS_A_BOX) return false;
  b->relay_count++;
  r->box = b;
  r->next = b->relays;
  if (r->next) r->next->previous = r;
  b->relays = r;
  return true;
}

static void leave(struct relay *r) {
  if (!r->box) return;
  if (r->next) r->next->previous = r->previous;
  *(r->previous ? &r->previous->next : &r->box->relays) = r->next;
  r->box->relay_count--;
}

struct relay *relay_at(uint32_t index, uint32_t generation) {
  struct relay *r = index < fresh ? &relays[index] : NULL;
  return r && r->state != RELAY_FREE && r->generation == generation ? r : NULL;
}

uint32_t relay_index(const struct relay *r) {
  return (uint32_t)(r - relays);
}

// ---- buffers, held only while the other side is slow ----

static char *take_buffer(void) {
  if (spare_count) return spare[--spare_count];
  char *at = mmap(NULL, HELD_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

static void give_buffer(struct side *s) {
  if (!s->held) return;
  if (spare_count < SPARE_MAX) spare[spare_count++] = s->held;
  else munmap(s->held, HELD_MAX);
  s->held = NULL;
  s->at = s->len = 0;
}

void relay_ignore(struct relay *r, int side) {
  struct side *s = &r->side[side];
  if (s->watched) epoll_ctl(epoll, EPOLL_CTL_DEL, s->fd, NULL);
  s->watched = false;
  s->events = 0;
}

void relay_drop(struct relay *r, int side) {
  struct side *s = &r->side[side];
  relay_ignore(r, side);
  give_buffer(s);
  if (s->fd >= 0) close(s->fd);
  *s = (struct side){ .fd = -1 };
}

void relay_close(struct relay *r) {
  leave(r);
  timer_clear(&r->limit);
  for (int i = 0; i < 2; i++) relay_drop(r, i);
  r->state = RELAY_FREE;
  r->box = NULL;
  r->previous = NULL;
  r->next = freed;
  freed = r;
}

void relays_end(struct box *b) {
  while (b->relays) relay_close(b->relays);
}

// ---- moving bytes ----

void relay_await(struct relay *r, int side, uint32_t events) {
  struct side *s = &r->side[side];
  bool wanted = events || !s->hung_up; // a hang-up is told again and again
  if (wanted == s->watched && events == s->events) return;
  int op = !wanted ? EPOLL_CTL_DEL : s->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  relays_watch(s->fd, side == INSIDE ? ON_INSIDE : ON_OUTSIDE, relay_index(r), r->generation, events, op);
  s->watched = wanted;
  s->events = events;
}

// What was taken of n bytes; -1: the connection is dead.
static ssize_t push(const struct side *to, const char *bytes, size_t n) {
  ssize_t done = send(to->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (done >= 0) return done;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static bool hold(struct side *s, const char *bytes, uint32_t n) {
  if (!n) return true;
  s->held = take_buffer();
  if (!s->held) return false;
  memcpy(s->held, bytes, n);
  s->at = 0;
  s->len = n;
  return true;
}

static bool pull(struct side *from, const struct side *to) {
  if (from->ended || from->held) return true;
  ssize_t n = recv(from->fd, scratch, HELD_MAX, MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) from->ended = true;
  ssize_t done = n ? push(to, scratch, (size_t)n) : 0;
  return done >= 0 && hold(from, scratch + done, (uint32_t)(n - done));
}

static bool flush(struct side *from, const struct side *to) {
  if (!from->held) return true;
  ssize_t done = push(to, from->held + from->at, from->len - from->at);
  if (done < 0) return false;
  from->at += (uint32_t)done;
  if (from->at == from->len) give_buffer(from);
  return true;
}

// Hands the end on when all before it was. False when nothing can come of this direction and the other any more.
static bool pass_end(struct side *from, struct side *to) {
  if (!from->ended || from->held) return true;
  if (!to->shut) shutdown(to->fd, SHUT_WR);
  to->shut = true;
  return !from->hung_up;
}

static uint32_t wanted_of(const struct side *s, const struct side *other) {
  return (s->ended || s->held ? 0 : EPOLLIN) | (other->held ? EPOLLOUT : 0u);
}

static void move(struct relay *r, int side, uint32_t events) {
  struct side *s = &r->side[side], *other = &r->side[!side];
  if (events & (EPOLLHUP | EPOLLERR)) s->hung_up = true;
  bool alive = flush(other, s) && pull(s, other) && pass_end(s, other) && pass_end(other, s);
  bool done = s->ended && other->ended && !s->held && !other->held;
  if (!alive || done) {
    relay_close(r);
    return;
  }
  relay_await(r, side, wanted_of(s, other));
  relay_await(r, !side, wanted_of(other, s));
}

void relay_begin(struct relay *r) {
  r->state = RELAY_OPEN;
  timer_clear(&r->limit);
  relay_await(r, OUTSIDE, EPOLLIN);
  relay_await(r, INSIDE, EPOLLIN);
}

// ---- what is ready ----

static void on_event(const struct epoll_event *e) {
  enum relay_event kind = (enum relay_event)(e->data.u64 >> 56);
  uint32_t index = (uint32_t)e->data.u64, generation = (uint32_t)(e->data.u64 >> 32) & 0xffffff;
  if (kind == ON_DIAL) dial_accept();
  else if (kind == ON_EGRESS) egress_accept(index, generation);
  struct relay *r = kind >= ON_OUTSIDE ? relay_at(index, generation) : NULL;
  if (!r) return;
  if (r->state == RELAY_OPEN) move(r, kind == ON_INSIDE ? INSIDE : OUTSIDE, e->events);
  else dial_ready(r);
}

void relays_run(void) {
  struct epoll_event events[EVENTS];
  int n = epoll_wait(epoll, events, EVENTS, 0);
  for (int i = 0; i < n; i++) on_event(&events[i]);
}
