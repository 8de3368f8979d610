// The spawner's loop: one control connection, every container's sockets and pipes, signals and deadlines.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dial.h"
#include "egress.h"
#include "facts.h"
#include "loop.h"
#include "relay.h"
#include "spawner.h"

enum {
  INBOX = FRAME_MAX + 4 + (64 << 10),
  EVENTS = 128,
  CONNECT_LIMIT_US = 15000000,
  STOP_LIMIT_US = 20000000,
  LOOK_US = 5000000,
  TIMERS = 2 * BOXES_MAX + 3 * EXECS_MAX + 10240, // a container's, a command's, a relay's or listener's
  OVERFLOW_ID = 65534,
};

struct spawner spawner = { .control = -1, .dial = -1, .home = -1 };

static char *inbox;
static size_t inbox_have;
static bool greeted, out_watched;
static struct timer limit, lookout;

// ---- watching ----

static uint64_t ticket(enum event_kind kind, uint32_t index, uint32_t generation) {
  return (uint64_t)kind << 56 | (uint64_t)generation << 32 | index;
}

static void control_epoll(int epoll, int fd, enum event_kind kind, bool out, int op) {
  struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.u64 = ticket(kind, 0, 0) };
  if (epoll_ctl(epoll, op, fd, &e)) die("epoll: %s", strerror(errno));
}

void watch(int fd, enum event_kind kind, uint32_t index, uint32_t generation, bool out, bool known) {
  // A tenant's stdin is watched only for room; everything else always for input.
  uint32_t events = kind == ON_IN ? EPOLLOUT : EPOLLIN | (out ? EPOLLOUT : 0u);
  struct epoll_event e = { .events = events, .data.u64 = ticket(kind, index, generation) };
  epoll_ctl(spawner.busy, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e);
}

void unwatch(int fd) {
  epoll_ctl(spawner.busy, EPOLL_CTL_DEL, fd, NULL);
}

// What is watched in `calm` too is served even while tenants are not read.
static void watch_always(int fd, enum event_kind kind, bool out, int op) {
  control_epoll(spawner.busy, fd, kind, out, op);
  control_epoll(spawner.calm, fd, kind, out, op);
}

// ---- the control connection ----

void send_failed(uint32_t container, uint32_t exec, uint32_t error, const char *stage, const char *message) {
  out_begin(R_FAILED, container);
  out_u32(exec);
  out_u32(error);
  out_str(stage);
  out_str(message);
  out_end();
}

static void give_up(void *owner) {
  (void)owner;
  die("containers did not end in time; they stay in the control groups %s", facts_directory());
}

static void stop(enum gone_reason why) {
  if (spawner.stopping) return;
  spawner.stopping = true;
  timer_set(&limit, now_us() + STOP_LIMIT_US, give_up, NULL);
  box_destroy_all(why);
}

// Whose directory was deleted is found by nobody any more, and the files of what it keeps are gone with it. A socket that is
// missing from a directory that is there proves nothing.
static void look_around(void *owner) {
  (void)owner;
  struct stat home;
  if (spawner.control >= 0) return;
  if (spawner.home >= 0 && fstat(spawner.home, &home) == 0 && home.st_nlink == 0) stop(GONE_SHUTDOWN);
  else timer_set(&lookout, now_us() + LOOK_US, look_around, NULL);
}

static void hang_up(void) {
  if (spawner.control < 0) return;
  outbox_flush(spawner.control);
  close(spawner.control);
  spawner.control = -1;
  inbox_have = 0;
  greeted = out_watched = false;
  outbox_mute(true);
  if (!spawner.kept) stop(GONE_SHUTDOWN);
  if (spawner.stopping) return;
  boxes_part();
  watch_always(spawner.listener, ON_LISTEN, false, EPOLL_CTL_ADD);
  look_around(NULL);
}

static void refuse_frame(const char *why) {
  out_begin(R_ERROR, 0);
  out_str(why);
  out_end();
  hang_up();
}

static void hello(const struct frame *f) {
  TEXT(facts, 8192);
  if (f->version != PROTOCOL_VERSION) {
    refuse_frame("this spawner speaks version 2");
    return;
  }
  greeted = true;
  facts_say(&facts);
  out_begin(R_HELLO, 0);
  out_u32(PROTOCOL_VERSION);
  out_str(facts.at);
  out_end();
}

static const char not_in_tmp[] = "the path must be absolute, normalised and below /tmp";

static void put_file(struct box *b, const struct frame *f, const char *bytes, uint32_t n) {
  const char *why = NULL;
  uint32_t error = EINVAL;
  if (b->state != BOX_LIVE) error = ESRCH, why = "the container is not running";
  else if (b->volume.state == VOLUME_UNDER_WAY) error = EBUSY, why = "a volume is being attached";
  else if (f->path.len > PATH_LENGTH_MAX || !path_in_tmp(&f->path)) why = not_in_tmp;
  else if ((error = (uint32_t)box_tell(b, bytes, n, NULL, 0))) why = "too much is waiting for this container";
  if (why) send_failed(b->id, 0, error, "put", why);
}

static void signal_exec(struct box *b, const struct frame *f, char *bytes, uint32_t n) {
  if (f->signo < 1 || f->signo > 64) send_failed(b->id, f->exec, EINVAL, "signal", "no such signal");
  else if (b->state == BOX_LIVE) exec_signal(b, f, bytes, n);
}

static bool collectable(const struct frame *f) {
  return f->path.len <= PATH_LENGTH_MAX &&
         (path_in_tmp(&f->path) || (f->path.len == 4 && memcmp(f->path.at, "/tmp", 4) == 0));
}

static void start_exec(struct box *b, const struct frame *f, char *bytes, uint32_t n) {
  if (f->cwd.len > PATH_LENGTH_MAX) send_failed(b->id, f->exec, ENAMETOOLONG, "chdir", "cwd is too long");
  else exec_start(b, f, bytes, n);
}

static void collect(struct box *b, const struct frame *f, char *bytes, uint32_t n) {
  if (!collectable(f)) send_failed(b->id, f->exec, EINVAL, "collect", not_in_tmp);
  else exec_collect(b, f, bytes, n);
}

static void serve_box(struct box *b, const struct frame *f, char *bytes, uint32_t n) {
  switch (f->type) {
    case LIMIT: box_limit(b, f); break;
    case PUT: put_file(b, f, bytes, n); break;
    case EXEC: start_exec(b, f, bytes, n); break;
    case STDIN: exec_stdin(b, f); break;
    case RESIZE: exec_resize(b, f); break;
    case SIGNAL: signal_exec(b, f, bytes, n); break;
    case COLLECT: collect(b, f, bytes, n); break;
    case FREEZE: box_freeze(b, true); break;
    case UNFREEZE: box_freeze(b, false); break;
    case DESTROY: box_destroy(b, GONE_ASKED); break;
    case KEEP: box_keep(b, f); break;
    case SEAL: box_seal(b); break;
    case ATTACH: box_attach(b, f); break;
    case EGRESS: box_egress(b, f); break;
    case GRANT: exec_grant(b, f); break;
  }
}

static void serve(const struct frame *f, char *bytes, uint32_t n) {
  if (f->type == HELLO) hello(f);
  else if (!greeted) refuse_frame("HELLO comes first");
  else if (f->type == LIST) boxes_list();
  else if (f->type == STOP) stop(GONE_SHUTDOWN);
  else if (spawner.stopping) send_failed(f->container, f->exec, ESHUTDOWN, "spawner", "the spawner is stopping");
  else if (f->type == CREATE) box_create(f);
  else {
    struct box *b = box_find(f->container);
    if (b) serve_box(b, f, bytes, n);
    else send_failed(f->container, f->exec, ESRCH, "container", "no such container");
  }
}

// Serves every whole frame in the inbox; what is left moves to its start.
static void serve_inbox(void) {
  size_t at = 0;
  while (spawner.control >= 0) {
    const char *why = NULL;
    uint32_t n = frame_length(inbox + at, inbox_have - at, &why);
    struct frame f;
    if (!why && (n == 0 || inbox_have - at < 4 + (size_t)n)) break;
    if (!why) why = frame_parse(inbox + at + 4, n, &f);
    if (why) {
      refuse_frame(why);
      return;
    }
    serve(&f, inbox + at + 4, n);
    at += 4 + (size_t)n;
  }
  if (spawner.control < 0) return;
  memmove(inbox, inbox + at, inbox_have - at);
  inbox_have -= at;
}

static void read_control(void) {
  ssize_t n = recv(spawner.control, inbox + inbox_have, INBOX - inbox_have, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    hang_up();
    return;
  }
  inbox_have += (size_t)n;
  serve_inbox();
}

bool is_known_peer(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  // In a user namespace of its own the spawner sees the host's root as nobody; the socket's mode keeps out who else is.
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == geteuid() || peer.uid == 0 || (!spawner.privileged && peer.uid == OVERFLOW_ID));
}

static void accept_control(void) {
  int fd = accept4(spawner.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  if (!is_known_peer(fd)) {
    close(fd);
    return;
  }
  if (!spawner.served) {
    // From here on the connection governs its life, and not who happened to start it.
    timer_clear(&limit);
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  }
  spawner.served = true;
  spawner.listed = false;
  spawner.connection++;
  spawner.control = fd;
  outbox_mute(false);
  control_epoll(spawner.busy, spawner.listener, ON_LISTEN, false, EPOLL_CTL_DEL);
  control_epoll(spawner.calm, spawner.listener, ON_LISTEN, false, EPOLL_CTL_DEL);
  watch_always(fd, ON_CONTROL, false, EPOLL_CTL_ADD);
}

static void flush_control(void) {
  if (spawner.control < 0) return;
  int done = outbox_broken() ? -1 : outbox_flush(spawner.control);
  if (done < 0) {
    hang_up();
    return;
  }
  if (out_watched == (done == 0)) return;
  out_watched = done == 0;
  watch_always(spawner.control, ON_CONTROL, out_watched, EPOLL_CTL_MOD);
}

// ---- the loop ----

static void on_signal(void) {
  struct signalfd_siginfo info;
  while (read(spawner.signals, &info, sizeof info) == (ssize_t)sizeof info) {
    if (info.ssi_signo == SIGCHLD) box_reap();
    else stop(GONE_SHUTDOWN);
  }
}

static void on_event(const struct epoll_event *e) {
  enum event_kind kind = (enum event_kind)(e->data.u64 >> 56);
  uint32_t index = (uint32_t)e->data.u64, generation = (uint32_t)(e->data.u64 >> 32) & 0xffffff;
  struct box *b = kind == ON_BOX ? box_at(index, generation) : NULL;
  struct exec *x = kind >= ON_OUT ? exec_at(index, generation) : NULL;
  if (kind == ON_LISTEN) accept_control();
  else if (kind == ON_SIGNAL) on_signal();
  else if (kind == ON_RELAYS) relays_run();
  else if (kind == ON_CONTROL && e->events & (EPOLLIN | EPOLLHUP | EPOLLERR) && spawner.control >= 0) read_control();
  else if (b) box_ready(b, e->events);
  else if (x && kind == ON_IN) exec_writable(x);
  else if (x) exec_readable(x, kind == ON_ERR);
}

// Tenants go unread while the control plane does not keep up; its own frames never do.
static void turn(void) {
  struct epoll_event events[EVENTS];
  int wait = timers_run();
  boxes_begin();
  flush_control();
  // The last kept container ended with nobody there: nothing is left to stay for.
  if (spawner.control < 0 && spawner.served && !spawner.kept) stop(GONE_SHUTDOWN);
  if (spawner.stopping && !spawner.boxes) return; // the flush found the connection dead: no event will come any more
  bool calm = outbox_high();
  int n = epoll_wait(calm ? spawner.calm : spawner.busy, events, EVENTS, wait);
  for (int i = 0; i < n; i++) {
    bool tenant = events[i].data.u64 >> 56 >= ON_BOX;
    if (!tenant || calm || !outbox_high()) on_event(&events[i]);
  }
}

static void nobody_came(void *owner) {
  (void)owner;
  die("nobody connected within 15 seconds");
}

static int open_signals(void) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGHUP);
  return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

void loop_run(void) {
  inbox = arena(INBOX);
  heap_open(TIMERS);
  outbox_open();
  blocks_open(4096);
  boxes_open();
  talk_open();
  execs_open();
  relays_open();
  egress_open();
  dial_open(spawner.dial);
  spawner.busy = epoll_create1(EPOLL_CLOEXEC);
  spawner.calm = epoll_create1(EPOLL_CLOEXEC);
  spawner.signals = open_signals();
  if (spawner.busy < 0 || spawner.calm < 0 || spawner.signals < 0) die("epoll: %s", strerror(errno));
  watch_always(spawner.signals, ON_SIGNAL, false, EPOLL_CTL_ADD);
  watch_always(relays_fd(), ON_RELAYS, false, EPOLL_CTL_ADD);
  watch_always(spawner.listener, ON_LISTEN, false, EPOLL_CTL_ADD);
  timer_set(&limit, now_us() + CONNECT_LIMIT_US, nobody_came, NULL);
  if (write(1, "ready\n", 6) != 6) die("standard output is closed");
  while (!spawner.stopping || spawner.boxes) turn();
  if (spawner.control >= 0) outbox_flush(spawner.control);
}
