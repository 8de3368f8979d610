// Where a logged command's output goes: a bounded file of the host. A helper of its own fills it, so that a slow disk
// slows the program down that writes, and nobody else.
#define _GNU_SOURCE
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "spawner.h"

enum {
  CHUNK = 1 << 16,
  CRUMB = 512,           // a read below this is followed…
  CRUMB_PAUSE_MS = 2,    // …by a pause, or single bytes would cost more than their writer's share
  BURST = 1 << 20,       // so much in one go…
  BURST_PAUSE_MS = 30,   // …and then a rest: at most 33 MB/s
  DRAIN_MAX = 2 << 20,
  NAME_MAX_LENGTH = 253, // and two more for `.1`
  CONCLUDE_LIMIT_US = 5000000,
};

#define CAP_MIN 4096
#define CAP_MAX (1ull << 40)

struct summary {
  uint64_t bytes;
  uint32_t dropped;
  uint32_t unused;
};

// What the helper needs, in memory that forks do copy.
static struct {
  int in, dir, file, sock;
  char name[256], old[258];
  uint64_t cap, size, burst;
  uint32_t turns;
  struct summary sum;
} log;

// ---- the helper ----

static void rest(int ms) {
  struct timespec t = { .tv_nsec = ms * 1000000L };
  nanosleep(&t, NULL);
}

static int create(void) {
  return openat(log.dir, log.name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

static void turn_over(void) {
  int next = renameat(log.dir, log.name, log.dir, log.old) ? -1 : create();
  if (next >= 0) {
    close(log.file);
    log.file = next;
  } else if (ftruncate(log.file, 0)) log.sum.dropped = 1; // the bound holds in any case
  // The second turn drops what the first one put aside.
  if (next < 0 || log.turns++ > 0) log.sum.dropped = 1;
  log.size = 0;
}

static void append(const char *bytes, size_t n) {
  if (log.size + n > log.cap) turn_over();
  ssize_t done = write(log.file, bytes, n);
  if (done > 0) log.size += (uint64_t)done;
  if (done != (ssize_t)n) log.sum.dropped = 1; // a full disk does not stop the program
  log.sum.bytes += n;
}

// As read: 0 at the end of what is to come, -1 when there is nothing now.
static ssize_t take(void) {
  static char chunk[CHUNK];
  ssize_t n = read(log.in, chunk, log.cap < CHUNK ? log.cap : CHUNK);
  if (n > 0) append(chunk, (size_t)n);
  return n;
}

static void pace(uint64_t n) {
  log.burst += n;
  if (log.burst >= BURST) rest(BURST_PAUSE_MS);
  else if (n < CRUMB) rest(CRUMB_PAUSE_MS);
  if (log.burst >= BURST) log.burst = 0;
}

static void fill(void) {
  struct pollfd p[2] = { { .fd = log.sock, .events = POLLIN }, { .fd = log.in, .events = POLLIN } };
  for (;;) {
    if (poll(p, 2, -1) < 0 && errno != EINTR) return;
    if (p[0].revents) return;
    if (!p[1].revents) continue;
    ssize_t n = take();
    if (n == 0) p[1].fd = -1;
    if (n > 0) pace((uint64_t)n);
  }
}

static void run(void) {
  prctl(PR_SET_NAME, "membrane-log", 0, 0, 0);
  fill();
  uint64_t before = log.sum.bytes;
  while (log.sum.bytes - before < DRAIN_MAX && take() > 0) continue;
  if (send(log.sock, &log.sum, sizeof log.sum, MSG_NOSIGNAL) < 0) _exit(1);
  _exit(0);
}

// ---- in the loop ----

static int refusal(const struct frame *f) {
  if (f->flags & (EXEC_TTY | EXEC_STDIN | EXEC_FINAL)) return EINVAL;
  if (f->log.len < 2 || f->log.len > PATH_LENGTH_MAX || f->log.at[0] != '/') return EINVAL;
  return f->log_cap < CAP_MIN || f->log_cap > CAP_MAX ? EINVAL : 0;
}

static int split(const struct frame *f, struct text *directory) {
  const char *slash = memrchr(f->log.at, '/', f->log.len);
  size_t head = (size_t)(slash - f->log.at), n = f->log.len - head - 1;
  if (n == 0 || n > NAME_MAX_LENGTH) return EINVAL;
  memcpy(log.name, slash + 1, n);
  log.name[n] = 0;
  if (strcmp(log.name, ".") == 0 || strcmp(log.name, "..") == 0) return EINVAL;
  snprintf(log.old, sizeof log.old, "%s.1", log.name);
  say_n(directory, f->log.at, head ? head : 1);
  return 0;
}

static int open_file(const struct frame *f) {
  TEXT(directory, PATH_LENGTH_MAX + 1);
  struct stat st;
  int error = split(f, &directory);
  if (error) return error;
  log.dir = host_open(directory.at, O_RDONLY | O_DIRECTORY, 0);
  if (log.dir < 0) return errno;
  log.file = create();
  if (log.file < 0 || fstat(log.file, &st)) return errno;
  if (!S_ISREG(st.st_mode)) return EINVAL;
  log.size = (uint64_t)st.st_size;
  return 0;
}

static void close_all(void) {
  int *fds[] = { &log.in, &log.dir, &log.file, &log.sock };
  for (size_t i = 0; i < LENGTH(fds); i++) {
    if (*fds[i] >= 0) close(*fds[i]);
    *fds[i] = -1;
  }
}

static void helper_ended(void *owner) {
  struct exec *x = owner;
  struct summary s = { 0 };
  if (recv(x->journal.sock, &s, sizeof s, MSG_DONTWAIT) != (ssize_t)sizeof s) s = (struct summary){ .dropped = 1 };
  close(x->journal.sock);
  x->journal.sock = -1;
  exec_logged(x, s.bytes, s.dropped);
}

static int start(struct exec *x, int *pipe_end) {
  int ends[2], pair[2];
  if (pipe2(ends, O_CLOEXEC)) return errno;
  log.in = ends[0];
  *pipe_end = ends[1];
  if (fcntl(log.in, F_SETFL, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) return errno;
  log.sock = pair[1];
  int fds[] = { log.in, log.dir, log.file, log.sock };
  pid_t pid = helper_fork(&x->journal.helper, fds, LENGTH(fds), helper_ended, x);
  if (pid == 0) run();
  x->journal.sock = pair[0];
  return pid < 0 ? errno : 0;
}

int journal_begin(struct exec *x, const struct frame *f, int *pipe_end) {
  int error = refusal(f);
  if (error) return error;
  memset(&log, 0, sizeof log);
  log.in = log.dir = log.file = log.sock = -1;
  log.cap = f->log_cap;
  error = open_file(f);
  if (!error) error = start(x, pipe_end);
  close_all();
  return error;
}

static void conclude_late(void *owner) {
  struct exec *x = owner;
  helper_kill(&x->journal.helper);
}

void journal_conclude(struct exec *x) {
  if (!x->journal.helper.pid) return;
  shutdown(x->journal.sock, SHUT_WR);
  timer_set(&x->deadline, now_us() + CONCLUDE_LIMIT_US, conclude_late, x);
}

void journal_drop(struct exec *x) {
  helper_kill(&x->journal.helper);
  helper_forget(&x->journal.helper);
  if (x->journal.sock >= 0) close(x->journal.sock);
  x->journal.sock = -1;
}
