// One command in a container: its pipes or terminal, its deadline, what it wrote and how it ended.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "ids.h"
#include "root.h"
#include "spawner.h"

enum {
  STDIN_MAX = 1 << 20,
  PAUSE_US = 5000,       // what is over the cap is read at most this often…
  FLOOD_MAX = 1 << 20,   // …and this much at a time, so that a flood costs little
  DRAIN_MAX = 2 << 20,
  CRUMB = 512,           // a read below this is a small one;
  CRUMBS_FREE = 256,     // so many are taken at once, every further one…
  CRUMB_PAUSE_US = 2000, // …is followed by this: one byte a time costs us, and the control plane, more than the tenant
  COLLECT_LIMIT_US = 60000000,
  OUT_HEAD = FRAME_HEAD + 4 + 1,
};

static struct exec *execs, *freed;
static uint32_t fresh;
static char *scratch;

void execs_open(void) {
  execs = arena(EXECS_MAX * sizeof *execs);
  scratch = arena(OUT_MAX);
}

static struct exec *take_exec(struct box *b, uint32_t id) {
  struct exec *x = freed;
  if (b->exec_count == EXECS_A_BOX) return NULL;
  if (x) freed = x->next;
  else if (fresh < EXECS_MAX) x = &execs[fresh++];
  else return NULL;
  uint32_t generation = x->generation + 1;
  *x = (struct exec){ .id = id, .generation = generation & 0xffffff, .box = b, .next = b->execs, .in = -1 };
  x->out[0].fd = x->out[1].fd = -1;
  b->execs = x;
  b->exec_count++;
  return x;
}

static void close_stream(struct stream *s) {
  timer_clear(&s->resume);
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
}

static void close_stdin(struct exec *x) {
  if (x->in >= 0) close(x->in);
  x->in = -1;
  queue_clear(&x->stdin_queue);
}

static void free_exec(struct exec *x) {
  struct exec **at = &x->box->execs;
  while (*at != x) at = &(*at)->next;
  *at = x->next;
  x->box->exec_count--;
  close_stream(&x->out[0]);
  close_stream(&x->out[1]);
  close_stdin(x);
  timer_clear(&x->deadline);
  x->box = NULL;
  x->next = freed;
  freed = x;
}

struct exec *exec_find(struct box *b, uint32_t id) {
  struct exec *x = b->execs;
  while (x && x->id != id) x = x->next;
  return x;
}

struct exec *exec_at(uint32_t index, uint32_t generation) {
  struct exec *x = index < fresh ? &execs[index] : NULL;
  return x && x->box && x->generation == generation ? x : NULL;
}

static void watch_exec(struct exec *x, int fd, enum event_kind kind) {
  watch(fd, kind, (uint32_t)(x - execs), x->generation, kind == ON_IN, false);
}

// ---- starting ----

static void deadline_passed(void *owner) {
  struct exec *x = owner;
  x->timed_out = true;
  box_destroy(x->box, GONE_TIMEOUT);
}

static int own_end(int fd) {
  return fcntl(fd, F_SETFL, O_NONBLOCK);
}

// The tenant owns its ends, or it could not open its own /dev/stdout by name.
static int tenant_end(const struct box *b, int fd) {
  if (!spawner.ranged) return 0;
  uint32_t id = ids_of(b->slot) + TENANT;
  return fchown(fd, id, id);
}

struct pipes {
  int theirs[3], count;
};

static int add_pipe(struct pipes *p, const struct box *b, int *ours, bool to_tenant) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return errno;
  *ours = ends[to_tenant];
  p->theirs[p->count++] = ends[!to_tenant];
  return own_end(*ours) || tenant_end(b, ends[!to_tenant]) ? errno : 0;
}

static int open_pipes(struct exec *x, const struct frame *f, struct pipes *p) {
  int error = 0;
  if (f->flags & EXEC_STDIN) error = add_pipe(p, x->box, &x->in, true);
  if (!error) error = add_pipe(p, x->box, &x->out[0].fd, false);
  if (!error) error = add_pipe(p, x->box, &x->out[1].fd, false);
  if (error) return error;
  watch_exec(x, x->out[0].fd, ON_OUT);
  watch_exec(x, x->out[1].fd, ON_ERR);
  return 0;
}

static const char *refuse_exec(const struct box *b, uint32_t id, struct exec **x, uint32_t *error) {
  *error = b->state == BOX_FROZEN ? EBUSY : b->state == BOX_LIVE ? 0 : ESRCH;
  if (*error) return b->state == BOX_FROZEN ? "the container is frozen" : "the container is not running";
  *error = EEXIST;
  if (exec_find((struct box *)(uintptr_t)b, id)) return "that exec's number was used";
  *error = EAGAIN;
  *x = take_exec((struct box *)(uintptr_t)b, id);
  return *x ? NULL : "too many execs at once";
}

static struct exec *admit(struct box *b, const struct frame *f) {
  struct exec *x = NULL;
  uint32_t error;
  const char *why = f->exec == 0 ? "exec 0" : NULL;
  error = EINVAL;
  if (!why) why = refuse_exec(b, f->exec, &x, &error);
  if (!why) return x;
  send_failed(b->id, f->exec, error, "exec", why);
  return NULL;
}

void exec_start(struct box *b, const struct frame *f, const char *bytes, uint32_t n) {
  struct pipes p = { .count = 0 };
  struct exec *x = admit(b, f);
  if (!x) return;
  x->tty = f->flags & EXEC_TTY;
  x->final = f->flags & EXEC_FINAL;
  x->out_cap = f->out_cap;
  x->since = now_us();
  x->oom_before = b->oom_seen;
  int error = x->tty ? 0 : open_pipes(x, f, &p);
  if (f->timeout_ms) timer_set(&x->deadline, x->since + (uint64_t)f->timeout_ms * 1000, deadline_passed, x);
  if (error)
    for (int i = 0; i < p.count; i++) close(p.theirs[i]);
  else error = box_tell(b, bytes, n, p.theirs, p.count);
  if (error) exec_failed(x, (uint32_t)error, "exec");
}

void exec_collect(struct box *b, const struct frame *f, const char *bytes, uint32_t n) {
  struct exec *x = admit(b, f);
  if (!x) return;
  x->collect = true;
  x->since = now_us();
  timer_set(&x->deadline, x->since + COLLECT_LIMIT_US, deadline_passed, x);
  int error = box_tell(b, bytes, n, NULL, 0);
  if (error) exec_failed(x, (uint32_t)error, "collect");
}

// ---- standard input ----

// Credit: so many bytes have left our buffer, into the tenant's hands or into nothing.
static void give_room(struct exec *x, uint32_t bytes) {
  if (!bytes) return;
  out_begin(R_ROOM, x->box->id);
  out_u32(x->id);
  out_u32(bytes);
  out_end();
}

static void drop_stdin(struct exec *x) {
  x->stdin_queue.bytes = 0;
  close_stdin(x);
}

static void write_stdin(struct exec *x) {
  while (x->in >= 0 && x->stdin_queue.first) {
    struct block *b = x->stdin_queue.first;
    ssize_t n = write(x->in, b->bytes + b->at, b->len - b->at);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {
      drop_stdin(x); // nobody reads it any more
      return;
    }
    b->at += (uint32_t)n;
    x->stdin_queue.bytes -= (uint32_t)n;
    if (b->at == b->len) queue_pop(&x->stdin_queue);
  }
}

// A pipe's end of input is its closing, a terminal's a character that goes on being typed after.
static void end_stdin(struct exec *x) {
  static const char end_of_transmission = 4;
  if (!x->tty) close_stdin(x);
  else if (write(x->in, &end_of_transmission, 1) == 1) x->in_ended = false;
}

static void flush_stdin(struct exec *x) {
  uint32_t before = x->stdin_queue.bytes;
  write_stdin(x);
  give_room(x, before - x->stdin_queue.bytes);
  if (x->in < 0) return;
  bool full = x->stdin_queue.first;
  if (full && !x->in_watched) watch_exec(x, x->in, ON_IN);
  if (!full && x->in_watched) unwatch(x->in);
  x->in_watched = full;
  if (!full && x->in_ended) end_stdin(x);
}

static bool queue_stdin(struct exec *x, const char *bytes, uint32_t n) {
  if (x->stdin_queue.bytes + n > STDIN_MAX || blocks_left() < n / PACKET_MAX + 1) return false;
  for (uint32_t take; n; bytes += take, n -= take) {
    struct block *b = x->stdin_queue.last;
    if (!b || b->len == PACKET_MAX) b = queue_push(&x->stdin_queue);
    if (!b) return false;
    take = PACKET_MAX - b->len < n ? PACKET_MAX - b->len : n;
    memcpy(b->bytes + b->len, bytes, take);
    b->len += take;
    x->stdin_queue.bytes += take;
  }
  return true;
}

void exec_stdin(struct box *b, const struct frame *f) {
  struct exec *x = exec_find(b, f->exec);
  if (!x) return; // it has ended, as its EXIT says
  // It reads nothing, or no longer: bytes to nowhere. A terminal's may come before the terminal does.
  if ((x->in_ended && !x->tty) || (x->in < 0 && !(x->tty && !x->started))) {
    give_room(x, f->size);
    return;
  }
  if (!f->size) x->in_ended = true;
  else if (!queue_stdin(x, f->bytes, f->size)) send_failed(b->id, x->id, ENOBUFS, "stdin", "stdin full");
  flush_stdin(x);
}

void exec_writable(struct exec *x) {
  flush_stdin(x);
}

void exec_resize(struct box *b, const struct frame *f) {
  struct exec *x = exec_find(b, f->exec);
  struct winsize size = { .ws_row = f->rows, .ws_col = f->cols };
  if (x && x->tty && x->out[0].fd >= 0) ioctl(x->out[0].fd, TIOCSWINSZ, &size);
}

// ---- output ----

static ssize_t keep(struct exec *x, int which, uint32_t room) {
  struct stream *s = &x->out[which];
  char *at = out_room(OUT_HEAD + OUT_MAX);
  if (!at) return 0;
  ssize_t n = read(s->fd, at + OUT_HEAD, room < OUT_MAX ? room : OUT_MAX);
  if (n <= 0) return n;
  // Read first, then head it: the bytes already lie where the frame wants them.
  out_begin(R_OUT, x->box->id);
  out_u32(x->id);
  out_u8((uint8_t)(which + 1));
  out_claim((size_t)n);
  out_end();
  s->kept += (uint32_t)n;
  return n;
}

// One read: true when there may be more.
static bool read_stream(struct exec *x, int which) {
  struct stream *s = &x->out[which];
  uint32_t room = outbox_full() ? 0 : x->out_cap - s->kept;
  ssize_t n = room ? keep(x, which, room) : read(s->fd, scratch, OUT_MAX);
  if (n > 0) s->seen += (uint64_t)n;
  else if (n == 0 || (errno != EAGAIN && errno != EINTR)) close_stream(s);
  return n > 0;
}

static void resume_stream(void *owner) {
  struct stream *s = owner;
  // The stream lives in its exec's array: which of the two it is gives the exec.
  uint32_t index = (uint32_t)(((char *)s - (char *)execs) / (ptrdiff_t)sizeof *execs);
  struct exec *x = &execs[index];
  watch_exec(x, s->fd, s == &x->out[0] ? ON_OUT : ON_ERR);
}

static void pause_stream(struct stream *s, uint64_t us) {
  unwatch(s->fd);
  timer_set(&s->resume, now_us() + us, resume_stream, s);
}

static void take_crumbs(struct exec *x, int which) {
  struct stream *s = &x->out[which];
  uint64_t from = s->seen;
  read_stream(x, which);
  if (s->fd < 0 || s->seen - from >= CRUMB) return;
  if (s->crumbs == CRUMBS_FREE) pause_stream(s, CRUMB_PAUSE_US);
  else s->crumbs++;
}

static void drop_flood(struct exec *x, int which) {
  struct stream *s = &x->out[which];
  uint64_t from = s->seen;
  if (!s->widened && !x->tty) fcntl(s->fd, F_SETPIPE_SZ, FLOOD_MAX); // fewer, larger reads
  s->widened = true;
  while (s->fd >= 0 && s->seen - from < FLOOD_MAX && read_stream(x, which)) continue;
  if (s->fd >= 0) pause_stream(s, PAUSE_US);
}

void exec_readable(struct exec *x, int which) {
  struct stream *s = &x->out[which];
  if (s->fd < 0) return;
  if (s->kept < x->out_cap) take_crumbs(x, which);
  else drop_flood(x, which);
}

static void drain(struct exec *x, int which) {
  struct stream *s = &x->out[which];
  uint64_t from = s->seen;
  while (s->fd >= 0 && s->seen - from < DRAIN_MAX && read_stream(x, which)) continue;
  close_stream(s);
}

// ---- ending ----

void exec_started(struct exec *x, int master) {
  x->started = true;
  if (x->tty && master >= 0 && own_end(master) == 0) {
    x->out[0].fd = master;
    x->in = fcntl(master, F_DUPFD_CLOEXEC, LOW_END);
    watch_exec(x, master, ON_OUT);
  } else if (master >= 0) close(master);
  out_begin(R_STARTED, x->box->id);
  out_u32(x->id);
  out_u32(0);
  out_end();
  flush_stdin(x);
}

void exec_failed(struct exec *x, uint32_t error, const char *stage) {
  struct box *b = x->box;
  bool final = x->final;
  send_failed(b->id, x->id, error, stage, strerror((int)error));
  free_exec(x);
  if (final) box_destroy(b, GONE_ASKED);
}

void exec_ended(struct exec *x, const struct ending *e) {
  struct box *b = x->box;
  bool final = x->final;
  for (int i = 0; i < 2; i++) drain(x, i);
  b->oom_seen = box_oom_kills(b);
  struct stream *o = x->out;
  bool cut[2] = { o[0].seen > o[0].kept, o[1].seen > o[1].kept };
  out_begin(R_EXIT, b->id);
  out_u32(x->id);
  out_u8((uint8_t)e->how);
  out_u32(e->code);
  out_u64(e->user_us);
  out_u64(e->sys_us);
  out_u64(e->peak_bytes);
  out_u64(e->wall_us);
  out_u64(o[0].seen);
  out_u64(o[1].seen);
  out_u8((uint8_t)(cut[0] | cut[1] << 1 | (b->oom_seen > x->oom_before) << 2));
  out_end();
  free_exec(x);
  if (final) box_destroy(b, GONE_ASKED);
}
