// A container's pid 1, second half: runs what the spawner asks for, reaps everything, and says how it ended.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "files.h"
#include "frame.h"
#include "init.h"
#include "link.h"
#include "port.h"
#include "sys.h"

enum { RUNNING_MAX = 64 };

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct running {
  pid_t pid; // 0: free
  uint32_t exec;
  uint64_t since;
};

static int line;
static struct running running[RUNNING_MAX];
static char received[sizeof(struct piece) + PACKET_MAX];
// A frame that came in several pieces, and the descriptors that came with its first.
static char *whole;
static uint32_t whole_total, whole_have;
static int fds[3], fd_count;
// Untouched pages of these cost nothing.
static char *pointers[2 * (LIST_MAX + 1)];

static void report(const struct report *r, int fd) {
  struct iovec io = { (void *)(uintptr_t)r, sizeof *r };
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control = { { 0 } };
  struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
  if (fd >= 0) {
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd) };
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  if (sendmsg(line, &m, MSG_NOSIGNAL) < 0) _exit(1);
}

static void report_failure(uint32_t exec, int error, const char *stage) {
  struct report r = { .kind = REPORT_FAILED, .exec = exec, .error = (uint32_t)error };
  strncpy(r.stage, stage, sizeof r.stage - 1);
  report(&r, -1);
}

// ---- starting ----

struct start {
  char **argv, **env;
  const char *cwd;
  int in, out, err;
  bool tty;
  volatile int error;
  const char *volatile stage;
};

static void try_path(struct start *s, const char *path) {
  char file[PATH_LENGTH_MAX + 1];
  size_t name = strlen(s->argv[0]);
  int error = ENOENT;
  for (const char *at = path, *end; at; at = *end ? end + 1 : NULL) {
    end = strchrnul(at, ':');
    size_t n = (size_t)(end - at);
    if (n + name + 2 > sizeof file || n == 0) continue;
    memcpy(file, at, n);
    file[n] = '/';
    memcpy(file + n + 1, s->argv[0], name + 1);
    execve(file, s->argv, s->env);
    if (errno == EACCES) error = EACCES;
    else if (errno != ENOENT && errno != ENOTDIR) {
      s->error = errno;
      return;
    }
  }
  s->error = error;
}

static void search_and_exec(struct start *s) {
  const char *path = default_path;
  if (strchr(s->argv[0], '/')) {
    execve(s->argv[0], s->argv, s->env);
    s->error = errno;
    return;
  }
  for (char **e = s->env; *e; e++)
    if (strncmp(*e, "PATH=", 5) == 0) path = *e + 5;
  try_path(s, path);
}

// Runs in the child, on init's memory until the exec: it only makes system calls and fills in `start`.
static void become(struct start *s) {
  sigset_t none;
  sigemptyset(&none);
  setsid();
  s->stage = "stdio";
  if ((s->in >= 0 && dup2(s->in, 0) < 0) || dup2(s->out, 1) < 0 || dup2(s->err, 2) < 0 ||
      (s->tty && ioctl(0, TIOCSCTTY, 0) < 0) || syscall(SYS_close_range, 3, ~0u, 0) < 0) {
    s->error = errno;
    return;
  }
  s->stage = "chdir";
  if (chdir(s->cwd)) {
    s->error = errno;
    return;
  }
  s->stage = "execve";
  sigprocmask(SIG_SETMASK, &none, NULL);
  search_and_exec(s);
}

static pid_t launch(struct start *s) {
  pid_t pid = vfork();
  if (pid == 0) {
    become(s);
    _exit(127);
  }
  if (pid < 0) {
    s->error = errno;
    s->stage = "fork";
  }
  return pid;
}

// A terminal of the container's own devpts: the master for the spawner, the slave for the child.
static int open_terminal(const struct frame *f, struct start *s) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlocked = 0;
  struct winsize size = { .ws_row = f->rows, .ws_col = f->cols };
  int slave = -1;
  if (master >= 0 && ioctl(master, TIOCSPTLCK, &unlocked) == 0 && ioctl(master, TIOCSWINSZ, &size) == 0)
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) {
    s->error = errno;
    s->stage = "tty";
  }
  s->in = s->out = s->err = slave;
  s->tty = true;
  return master;
}

static void take_pipes(const struct frame *f, struct start *s) {
  bool stdin_open = f->flags & EXEC_STDIN;
  if (fd_count != (stdin_open ? 3 : 2)) {
    s->error = EBADF;
    s->stage = "stdio";
    return;
  }
  s->in = stdin_open ? fds[0] : -1;
  s->out = fds[fd_count - 2];
  s->err = fds[fd_count - 1];
}

static struct running *find_running(uint32_t exec, pid_t pid) {
  for (int i = 0; i < RUNNING_MAX; i++)
    if (pid ? running[i].pid == pid : running[i].pid && running[i].exec == exec) return &running[i];
  return NULL;
}

static struct running *free_running(void) {
  for (int i = 0; i < RUNNING_MAX; i++)
    if (!running[i].pid) return &running[i];
  return NULL;
}

static void close_fds(void) {
  for (int i = 0; i < fd_count; i++) close(fds[i]);
  fd_count = 0;
}

static void start_exec(struct frame *f) {
  struct start s = { .in = -1, .out = -1, .err = -1, .error = 0, .stage = "execve" };
  struct running *r = free_running();
  int master = -1;
  s.cwd = f->cwd.len ? str_close(&f->cwd) : "/home/sandbox";
  s.argv = pointers;
  s.env = pointers + f->argv.count + 1;
  list_close(&f->argv, s.argv);
  list_close(&f->env, s.env);
  if (!r || f->argv.count == 0) s.error = r ? EINVAL : EAGAIN;
  else if (f->flags & EXEC_TTY) master = open_terminal(f, &s);
  else take_pipes(f, &s);
  uint64_t since = now_us();
  pid_t pid = s.error ? -1 : launch(&s);
  if (s.tty && s.in >= 0) close(s.in);
  close_fds();
  if (s.error) report_failure(f->exec, s.error, s.stage);
  else {
    *r = (struct running){ pid, f->exec, since };
    struct report started = { .kind = REPORT_STARTED, .exec = f->exec };
    report(&started, master);
  }
  if (master >= 0) close(master);
}

// ---- ending ----

static uint64_t micros(const struct timeval *t) {
  return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

static void ended(pid_t pid, int status, const struct rusage *used) {
  struct running *r = find_running(0, pid);
  if (!r) return;
  struct report e = { .kind = REPORT_ENDED, .exec = r->exec, .how = WIFSIGNALED(status) ? 1 : 0 };
  e.code = (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  e.user_us = micros(&used->ru_utime);
  e.sys_us = micros(&used->ru_stime);
  e.peak_bytes = (uint64_t)used->ru_maxrss * 1024;
  e.wall_us = now_us() - r->since;
  r->pid = 0;
  report(&e, -1);
}

static void reap(int options) {
  struct rusage used;
  int status;
  pid_t pid;
  // Who asked to be traced by its parent shows its stops here too, and those are no ends.
  while ((pid = wait4(-1, &status, options, &used)) > 0 || (pid < 0 && errno == EINTR))
    if (pid > 0 && (WIFEXITED(status) || WIFSIGNALED(status))) ended(pid, status, &used);
}

// ---- serving ----

static void signal_exec(const struct frame *f) {
  struct running *r = find_running(f->exec, 0);
  if (r) kill(-r->pid, (int)f->signo);
}

static void collect(struct frame *f) {
  static struct collection c;
  c = (struct collection){ .exec = f->exec, .max_files = f->max_files, .max_bytes = f->max_bytes, .sock = line };
  c.exclude = f->exclude;
  c.excluded = pointers;
  const char *dir = str_close(&f->path);
  list_close(&f->exclude, pointers);
  kill(-1, SIGKILL);
  reap(0);
  uint64_t since = now_us();
  int error = files_collect(&c, dir);
  if (error) {
    report_failure(f->exec, error, "collect");
    return;
  }
  struct report done = { .kind = REPORT_ENDED, .exec = f->exec, .code = c.cut, .wall_us = now_us() - since };
  report(&done, -1);
}

static void open_port(const char *bytes, size_t n) {
  struct knock k;
  if (n != sizeof k) _exit(1);
  memcpy(&k, bytes, sizeof k);
  int fd = port_open(&k);
  struct report r = { .kind = REPORT_SOCKET, .number = k.number, .knock = k.type };
  r.error = fd < 0 ? (uint32_t)errno : 0;
  report(&r, fd);
  if (fd >= 0) close(fd);
}

static void obey(char *bytes, size_t n) {
  struct frame f;
  if (n && (uint8_t)bytes[0] >= KNOCK_DIAL) {
    open_port(bytes, n);
    return;
  }
  if (frame_parse(bytes, n, &f)) _exit(1);
  if (f.type == EXEC) start_exec(&f);
  else if (f.type == SIGNAL) signal_exec(&f);
  else if (f.type == COLLECT) collect(&f);
  else if (f.type == PUT) {
    int error = files_put(&f);
    if (error) report_failure(0, error, "put");
  }
  close_fds();
}

static void take_descriptors(struct msghdr *m) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    fd_count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(c), (size_t)fd_count * sizeof(int));
  }
}

static void gather(const struct piece *p, const char *bytes, size_t n) {
  if (p->at == 0) {
    whole = mmap(NULL, p->total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) _exit(1);
    whole_total = p->total;
    whole_have = 0;
  }
  if (p->at != whole_have || n > whole_total - whole_have) _exit(1);
  memcpy(whole + whole_have, bytes, n);
  whole_have += (uint32_t)n;
  if (whole_have < whole_total) return;
  obey(whole, whole_total);
  munmap(whole, whole_total);
}

static void receive(void) {
  union {
    char bytes[CMSG_SPACE(sizeof fds)];
    struct cmsghdr align;
  } control;
  struct iovec io = { received, sizeof received };
  struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control };
  ssize_t n = recvmsg(line, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n < (ssize_t)sizeof(struct piece)) _exit(1); // the spawner is gone: the pid namespace goes with us
  take_descriptors(&m);
  struct piece p;
  memcpy(&p, received, sizeof p);
  size_t size = (size_t)n - sizeof p;
  if (p.at == 0 && size == p.total) obey(received + sizeof p, size);
  else gather(&p, received + sizeof p, size);
}

static void on_child(int signo) {
  (void)signo;
}

void init_serve(int sock) {
  struct sigaction child = { .sa_handler = on_child };
  sigset_t blocked, waiting;
  line = sock;
  sigfillset(&blocked);
  sigprocmask(SIG_SETMASK, &blocked, NULL);
  waiting = blocked;
  sigdelset(&waiting, SIGCHLD);
  sigaction(SIGCHLD, &child, NULL);
  for (;;) {
    struct pollfd p = { .fd = line, .events = POLLIN };
    int n = ppoll(&p, 1, NULL, &waiting);
    if (n > 0) receive();
    else reap(WNOHANG);
  }
}
