// One command in a container: its number, its pipes or terminal, its deadline and how it ended.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>

#include "ids.h"
#include "root.h"
#include "spawner.h"

enum {
  COLLECT_LIMIT_US = 60000000,
  CREDIT = 1 << 20,
  EXEC_AT = 5, // where a frame has its exec's number
};

static struct exec *execs, *freed;
static uint32_t fresh;

void execs_open(void) {
  execs = arena(EXECS_MAX * sizeof *execs);
  streams_open();
}

static struct exec *take_exec(struct box *b, uint32_t id) {
  struct exec *x = freed;
  if (b->exec_count == EXECS_A_BOX) return NULL;
  if (x) freed = x->next;
  else if (fresh < EXECS_MAX) x = &execs[fresh++];
  else return NULL;
  uint32_t generation = x->generation + 1;
  *x = (struct exec){ .id = id, .generation = generation & 0xffffff, .box = b, .next = b->execs, .in = -1 };
  x->inner = ++b->last_inner;
  x->journal.sock = -1;
  x->connection = spawner.connection;
  for (int i = 0; i < 2; i++) x->out[i] = (struct stream){ .fd = -1, .exec = x, .number = i };
  b->execs = x;
  b->exec_count++;
  return x;
}

static void free_exec(struct exec *x) {
  struct exec **at = &x->box->execs;
  while (*at != x) at = &(*at)->next;
  *at = x->next;
  x->box->exec_count--;
  streams_close(x);
  journal_drop(x);
  timer_clear(&x->deadline);
  x->box = NULL;
  x->next = freed;
  freed = x;
}

struct exec *exec_find(struct box *b, uint32_t id) {
  struct exec *x = b->execs;
  while (x && (x->orphan || x->id != id)) x = x->next;
  return x;
}

// Init knows a command by another number: the control plane's may come again when nobody holds the old one any more.
struct exec *exec_by_inner(struct box *b, uint32_t inner) {
  struct exec *x = b->execs;
  while (x && x->inner != inner) x = x->next;
  return x;
}

static void rename_exec(char *bytes, const struct exec *x) {
  for (unsigned i = 0; i < 4; i++) bytes[EXEC_AT + i] = (char)(x->inner >> (8 * i));
}

struct exec *exec_at(uint32_t index, uint32_t generation) {
  struct exec *x = index < fresh ? &execs[index] : NULL;
  return x && x->box && x->generation == generation ? x : NULL;
}

void exec_watch(struct exec *x, int fd, enum event_kind kind) {
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
  stream_open(x, 0, x->out[0].fd);
  stream_open(x, 1, x->out[1].fd);
  return 0;
}

// Both of its streams are one pipe: lines stay in the order they were written in.
static int open_log(struct exec *x, const struct frame *f, struct pipes *p) {
  int error = journal_begin(x, f, &p->theirs[0]);
  if (p->theirs[0] < 0) return error;
  p->count = 1;
  p->theirs[1] = fcntl(p->theirs[0], F_DUPFD_CLOEXEC, LOW_END);
  p->count += p->theirs[1] >= 0;
  if (!error && (p->count == 1 || tenant_end(x->box, p->theirs[0]))) error = errno;
  return error;
}

static const char *refuse_exec(const struct box *b, uint32_t id, struct exec **x, uint32_t *error) {
  *error = b->state == BOX_FROZEN ? EBUSY : b->state == BOX_LIVE ? 0 : ESRCH;
  if (*error) return b->state == BOX_FROZEN ? "the container is frozen" : "the container is not running";
  *error = EBUSY;
  if (b->volume.state == VOLUME_UNDER_WAY) return "a volume is being attached";
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
  b->used |= !why;
  if (!why) return x;
  send_failed(b->id, f->exec, error, "exec", why);
  return NULL;
}

// A container is not told the host's paths: what says that it is logged is cut off.
static uint32_t forget_log(const struct frame *f, char *bytes, uint32_t n) {
  bytes[EXEC_AT + 4] &= (char)~EXEC_LOGGED;
  return n - (4 + f->log.len + 8);
}

void exec_start(struct box *b, const struct frame *f, char *bytes, uint32_t n) {
  struct pipes p = { .theirs = { -1, -1, -1 } };
  struct exec *x = admit(b, f);
  if (!x) return;
  x->tty = f->flags & EXEC_TTY;
  x->final = f->flags & EXEC_FINAL;
  x->out_cap = f->out_cap;
  x->logged = f->flags & EXEC_LOGGED;
  x->windowed = f->out_cap == OUT_WINDOW && !x->logged;
  x->credit = CREDIT;
  x->since = now_us();
  x->oom_before = b->oom_seen;
  int error = x->logged ? open_log(x, f, &p) : x->tty ? 0 : open_pipes(x, f, &p);
  if (f->timeout_ms) timer_set(&x->deadline, x->since + (uint64_t)f->timeout_ms * 1000, deadline_passed, x);
  if (error)
    for (int i = 0; i < p.count; i++) close(p.theirs[i]);
  else {
    rename_exec(bytes, x);
    if (x->logged) n = forget_log(f, bytes, n);
    error = box_tell(b, bytes, n, p.theirs, p.count);
  }
  if (error) exec_failed(x, (uint32_t)error, x->logged ? "log" : "exec");
}

void exec_collect(struct box *b, const struct frame *f, char *bytes, uint32_t n) {
  struct exec *x = admit(b, f);
  if (!x) return;
  x->collect = true;
  x->since = now_us();
  timer_set(&x->deadline, x->since + COLLECT_LIMIT_US, deadline_passed, x);
  rename_exec(bytes, x);
  int error = box_tell(b, bytes, n, NULL, 0);
  if (error) exec_failed(x, (uint32_t)error, "collect");
}

void exec_signal(struct box *b, const struct frame *f, char *bytes, uint32_t n) {
  struct exec *x = exec_find(b, f->exec);
  if (!x || x->ended) return;
  rename_exec(bytes, x);
  box_tell(b, bytes, n, NULL, 0);
}

void exec_grant(struct box *b, const struct frame *f) {
  struct exec *x = exec_find(b, f->exec);
  if (!x || !x->windowed) return;
  x->credit = f->credit > CREDIT - x->credit ? CREDIT : x->credit + f->credit;
  streams_resume(x);
}

// ---- ending ----

void exec_started(struct exec *x, int master) {
  x->started = true;
  if (x->tty && !x->orphan && master >= 0 && own_end(master) == 0) {
    x->in = fcntl(master, F_DUPFD_CLOEXEC, LOW_END);
    stream_open(x, 0, master);
  } else if (master >= 0) close(master);
  if (x->orphan) return;
  out_begin(R_STARTED, x->box->id);
  out_u32(x->id);
  out_u32(0);
  out_end();
  input_flush(x);
}

void exec_failed(struct exec *x, uint32_t error, const char *stage) {
  struct box *b = x->box;
  bool final = x->final;
  if (!x->orphan) send_failed(b->id, x->id, error, stage, strerror((int)error));
  free_exec(x);
  if (final) box_destroy(b, GONE_ASKED);
}

static void send_exit(const struct exec *x) {
  const struct ending *e = &x->ending;
  const struct stream *o = x->out;
  bool cut[2] = { o[0].seen > o[0].kept, o[1].seen > o[1].kept };
  out_begin(R_EXIT, x->box->id);
  out_u32(x->id);
  out_u8((uint8_t)e->how);
  out_u32(e->code);
  out_u64(e->user_us);
  out_u64(e->sys_us);
  out_u64(e->peak_bytes);
  out_u64(e->wall_us);
  out_u64(o[0].seen);
  out_u64(o[1].seen);
  out_u8((uint8_t)(cut[0] | cut[1] << 1 | x->oom << 2));
  out_end();
}

// Its output is in: it is told and forgotten.
void exec_settled(struct exec *x) {
  struct box *b = x->box;
  bool final = x->final;
  timer_clear(&x->deadline);
  if (!x->orphan) send_exit(x);
  free_exec(x);
  if (final) box_destroy(b, GONE_ASKED);
}

static void note_ending(struct exec *x, const struct ending *e) {
  struct box *b = x->box;
  if (x->ended) return;
  b->oom_seen = box_oom_kills(b);
  x->oom = b->oom_seen > x->oom_before;
  x->ending = *e;
  x->ended = true;
}

static void conclude(struct exec *x) {
  if (!x->concluded) journal_conclude(x);
  x->concluded = true;
}

// Who connected later hears of it only after the LISTING that names it.
static void settle_logged(struct exec *x) {
  bool known = x->connection == spawner.connection || spawner.listed;
  x->settled = true;
  timer_clear(&x->deadline);
  if (spawner.control >= 0 && known) exec_settled(x);
}

void exec_ended(struct exec *x, const struct ending *e) {
  if (x->ended) return;
  note_ending(x, e);
  timer_clear(&x->deadline);
  if (x->logged && x->journal.helper.pid) conclude(x);
  else if (x->logged) settle_logged(x);
  else if (streams_drain(x, false)) exec_settled(x);
}

void exec_logged(struct exec *x, uint64_t bytes, bool dropped) {
  x->out[0].seen = bytes;
  x->out[0].kept = dropped && bytes ? bytes - 1 : bytes;
  if (x->ended) settle_logged(x);
}

void exec_finish(struct exec *x, const struct ending *e) {
  note_ending(x, e);
  streams_drain(x, true);
  x->final = false;
  exec_settled(x);
}

// ---- without a control plane ----

// Kills what it runs, in order behind whatever init was told before.
static void kill_quietly(struct exec *x) {
  char bytes[13] = { SIGNAL, 1 };
  rename_exec(bytes, x);
  bytes[9] = SIGKILL;
  box_tell(x->box, bytes, sizeof bytes, NULL, 0);
}

static void abandon(struct exec *x) {
  x->orphan = true;
  x->final = false;
  if (x->ended) {
    exec_settled(x);
    return;
  }
  streams_close(x);
  // A collection ends by itself, and its deadline guards the container's init.
  if (x->collect) return;
  timer_clear(&x->deadline);
  kill_quietly(x);
}

void execs_abandon(struct box *b) {
  for (struct exec *x = b->execs, *next; x; x = next) {
    next = x->next;
    if (!x->logged && !x->orphan) abandon(x);
  }
}

void execs_tell(struct box *b) {
  for (struct exec *x = b->execs, *next; x; x = next) {
    next = x->next;
    if (x->settled) exec_settled(x);
  }
}

bool execs_conclude(struct box *b) {
  bool busy = false;
  for (struct exec *x = b->execs; x; x = x->next) {
    if (!x->journal.helper.pid) continue;
    conclude(x);
    busy = true;
  }
  return busy;
}
