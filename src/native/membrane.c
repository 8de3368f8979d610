// membrane: the spawner of kernel-isolated containers and, after a fork, the init of each. See PROTOCOL.md.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "cgroup.h"
#include "facts.h"
#include "filter.h"
#include "host.h"
#include "ids.h"
#include "loop.h"
#include "root.h"
#include "seal.h"
#include "spawner.h"

enum {
  LOCK_LIMIT_MS = 15000,
  MEMLOCK = 64 << 10,
  BACKLOG = 512, // of the sockets: dials come in bursts
};

static pid_t owner;
static const char *locked_name;
static int locks;

struct options {
  const char *role, *listen, *dial, *name;
  bool accept_weak, inside;
  uint64_t host_user;
};

static const char usage[] =
  "usage: membrane spawn --listen PATH --name INSTANCE [--dial PATH] [--accept-weak]\n"
  "       membrane probe [--name INSTANCE]\n";

static bool plain_name(const char *name) {
  size_t n = strlen(name);
  if (n == 0 || n > 48) return false;
  return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

static const char *probe_name(void) {
  static char name[32];
  snprintf(name, sizeof name, "probe-%d", (int)getpid());
  return name;
}

static struct options parse(int argc, char **argv) {
  struct options o = { .role = argc > 1 ? argv[1] : "" };
  for (int i = 2; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(argv[i], "--accept-weak") == 0) o.accept_weak = true;
    else if (strcmp(argv[i], "--listen") == 0 && value) o.listen = argv[++i];
    else if (strcmp(argv[i], "--dial") == 0 && value) o.dial = argv[++i];
    else if (strcmp(argv[i], "--name") == 0 && value) o.name = argv[++i];
    else if (strcmp(argv[i], "--inside") == 0 && value && parse_u64(value, &o.host_user)) o.inside = i++;
    else die("unknown argument %s\n%s", argv[i], usage);
  }
  if (strcmp(o.role, "probe") == 0 && !o.name) o.name = probe_name();
  bool known = strcmp(o.role, "probe") == 0 || (strcmp(o.role, "spawn") == 0 && o.listen);
  if (!known || !o.name) die("%s", usage);
  if (!plain_name(o.name)) die("--name must be 1 to 48 letters, digits, - and _");
  return o;
}

// ---- a clean process ----

static void clean_descriptors(void) {
  syscall(SYS_close_range, 3, ~0u, 0);
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) die("/dev/null cannot be opened");
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0) die("/dev/null cannot be opened: %s", strerror(errno));
  close(null);
}

static void clean_signals(void) {
  sigset_t none;
  for (int i = 1; i < 65; i++) signal(i, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

// From here on signals are read as events; blocked rather than ignored, because children would inherit that.
static void block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
}

static void limit(int what, rlim_t most) {
  struct rlimit l;
  if (getrlimit(what, &l)) return;
  if (l.rlim_max == RLIM_INFINITY || l.rlim_max > most) l.rlim_max = most;
  l.rlim_cur = l.rlim_max;
  setrlimit(what, &l);
}

// To a core dump handler (`|program` in core_pattern) every limit but 1 means "start it", on the host, for each crash.
static void no_core_dumps(void) {
  struct rlimit one = { 1, 1 };
  if (setrlimit(RLIMIT_CORE, &one)) limit(RLIMIT_CORE, 0);
}

// Tenants inherit these.
static void clean_limits(void) {
  struct rlimit files;
  no_core_dumps();
  limit(RLIMIT_MEMLOCK, MEMLOCK);
  limit(RLIMIT_RTPRIO, 0);
  if (getrlimit(RLIMIT_NOFILE, &files)) die("getrlimit: %s", strerror(errno));
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  spawner.nofile = files.rlim_max;
}

// ---- an ordinary user: root of a user namespace of its own ----

static uint64_t user_namespace(void) {
  struct stat st;
  if (stat("/proc/self/ns/user", &st)) die("/proc/self/ns/user: %s", strerror(errno));
  return st.st_ino;
}

static void map_self(uid_t uid, gid_t gid) {
  TEXT(uids, 32);
  TEXT(gids, 32);
  sayf(&uids, "0 %u 1", uid);
  sayf(&gids, "0 %u 1", gid);
  if (write_text_at(AT_FDCWD, "/proc/self/setgroups", "deny") ||
      write_text_at(AT_FDCWD, "/proc/self/uid_map", uids.at) ||
      write_text_at(AT_FDCWD, "/proc/self/gid_map", gids.at))
    die("the user namespace cannot be mapped: %s", strerror(errno));
}

// The program is started again inside: only then may it look into its containers' /proc, which kernels guard by the
// user namespace a program was started in.
static void enter_user_namespace(const struct options *o) {
  TEXT(host, 24);
  uid_t uid = geteuid();
  gid_t gid = getegid();
  char *role = (char *)(uintptr_t)o->role, *name = (char *)(uintptr_t)o->name;
  char *argv[12] = { "membrane", role, "--name", name, "--inside", host.at };
  int argc = 6;
  say_u64(&host, user_namespace());
  if (o->listen) argv[argc++] = "--listen", argv[argc++] = (char *)(uintptr_t)o->listen;
  if (o->dial) argv[argc++] = "--dial", argv[argc++] = (char *)(uintptr_t)o->dial;
  if (o->accept_weak) argv[argc++] = "--accept-weak";
  argv[argc] = NULL;
  if (unshare(CLONE_NEWUSER)) {
    facts_try_namespaces();
    die("%s", weak.at);
  }
  map_self(uid, gid);
  execv("/proc/self/exe", argv);
  die("/proc/self/exe: %s", strerror(errno));
}

// ---- what belongs to one spawner alone ----

static int open_locks(const struct options *o) {
  const char *slash = strrchr(o->listen, '/');
  TEXT(directory, 4200);
  if (spawner.privileged && access("/run", W_OK) == 0) say(&directory, "/run");
  else if (slash) say_n(&directory, o->listen, (size_t)(slash - o->listen + 1));
  else say(&directory, ".");
  int fd = open(directory.at, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) die("%s: %s", directory.at, strerror(errno));
  int high = fcntl(fd, F_DUPFD_CLOEXEC, LOW_END);
  close(fd);
  return high;
}

// A former spawner of the same name may still be clearing up.
static void lock_name(const struct options *o) {
  for (int waited = 0; waited < LOCK_LIMIT_MS; waited += 20) {
    if (lock_file(locks, o->name)) return;
    usleep(20000);
  }
  die("another spawner named %s is running; stop it, or use another name", o->name);
}

static void take_ids(void) {
  spawner.ranged = ids_open(locks) && ids_reach(0);
  if (spawner.ranged) return;
  say(&weak, "uid range: no block of user ids from 1879048192 on is mapped here and free, so containers share one uid; "
             "run in the host's user namespace and stop other spawners\n");
}

static int bind_socket(const char *option, const char *path) {
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  size_t n = strlen(path);
  if (n >= sizeof a.sun_path) die("%s: the path is over %zu bytes", option, sizeof a.sun_path - 1);
  memcpy(a.sun_path, path, n);
  unlink(path);
  umask(0177);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, BACKLOG)) die("%s: %s", path, strerror(errno));
  umask(022);
  return fd;
}

// A socket's directory stays reachable for the unlink at the end, when the host's tree is gone.
struct place {
  int directory;
  const char *base;
};

static struct place open_place(const char *path) {
  const char *slash = path ? strrchr(path, '/') : NULL;
  TEXT(directory, 4200);
  if (!path) return (struct place){ -1, NULL };
  say_n(&directory, path, slash ? (size_t)(slash - path + 1) : 0);
  int fd = open(slash ? directory.at : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int high = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, LOW_END);
  if (fd >= 0) close(fd);
  return (struct place){ high, slash ? slash + 1 : path };
}

static void unlink_at(struct place p) {
  if (p.directory >= 0) unlinkat(p.directory, p.base, 0);
}

// Every number below LOW_END is taken, so that no later descriptor is ever copied into a container's init.
static void fill_low_descriptors(void) {
  int open_ones[] = { spawner.proc, spawner.listener, spawner.dial };
  for (int i = 0; i < cgroups.count; i++)
    if (cgroups.all[i].dir >= LOW_END - BIRTHS_MAX) die("too many descriptors at start");
  spawner.proc = fcntl(open_ones[0], F_DUPFD_CLOEXEC, LOW_END);
  spawner.listener = fcntl(open_ones[1], F_DUPFD_CLOEXEC, LOW_END);
  if (spawner.dial >= 0) spawner.dial = fcntl(open_ones[2], F_DUPFD_CLOEXEC, LOW_END);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  spawner.null = fcntl(null, F_DUPFD_CLOEXEC, LOW_END);
  if (spawner.proc < 0 || spawner.listener < 0 || spawner.null < 0) die("descriptors: %s", strerror(errno));
  for (int i = 0; i < 3; i++)
    if (open_ones[i] >= 0) dup3(null, open_ones[i], O_CLOEXEC);
  for (int fd = LOW_END - BIRTHS_MAX; fd < LOW_END; fd++)
    if (fd != null) dup3(null, fd, O_CLOEXEC);
  for (int fd; (fd = fcntl(null, F_DUPFD_CLOEXEC, 3)) != -1;)
    if (fd >= LOW_END) {
      close(fd);
      break;
    }
}

static void refuse_weak(const struct options *o) {
  if (weak.len == 0 || o->accept_weak) return;
  for (char *at = weak.at; (at = strchr(at, '\n')) && at[1]; at++) continue;
  die("these protections cannot be had:\n%s(--accept-weak starts without them)", weak.at);
}

static void notice_weakness(const struct options *o) {
  int score = 0;
  char text[32];
  if (!spawner.privileged)
    say(&weak, "uid range: an ordinary user's containers all run under that user's id; run as root\n");
  if (o->inside && getgroups(0, NULL) > 1)
    say(&weak, "groups: an ordinary user cannot leave supplementary groups; run as root or as a user without any\n");
  if (read_at(AT_FDCWD, "/proc/self/oom_score_adj", text, sizeof text) > 0) score = atoi(text);
  spawner.lift_oom = score < 0;
}

// However the spawner ends by itself: children leave with _exit and do not come here.
static void clear_up(void) {
  if (getpid() != owner) return;
  cgroups_remove();
  unlock_file(locks, locked_name);
}

static int spawn(const struct options *o) {
  prctl(PR_SET_NAME, "membrane", 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0); // until the first connection
  setsid(); // whoever leads a group already, leads its own
  locks = open_locks(o);
  lock_name(o);
  notice_weakness(o);
  if (spawner.privileged) take_ids();
  if (!facts_try_namespaces()) die("%s", weak.at);
  cgroups_find(o->name, spawner.privileged, &weak);
  owner = getpid();
  locked_name = o->name;
  atexit(clear_up);
  cgroups_make(&weak);
  refuse_weak(o);
  spawner.listener = bind_socket("--listen", o->listen);
  if (o->dial) spawner.dial = bind_socket("--dial", o->dial);
  struct place places[] = { open_place(o->listen), open_place(o->dial) };
  spawner.home = places[0].directory;
  spawner.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (spawner.proc < 0) die("/proc: %s", strerror(errno));
  seal_remember_host(spawner.proc, o->host_user);
  host_remember(spawner.privileged);
  fill_low_descriptors();
  filter_build();
  root_enter(spawner.privileged);
  // What box.c's `act_as` takes must not cost the spawner its capabilities.
  if (spawner.ranged && prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    die("securebits: %s", strerror(errno));
  block_signals();
  loop_run();
  int left = cgroups_remove();
  for (size_t i = 0; i < LENGTH(places); i++) unlink_at(places[i]);
  if (left) die("%d control groups could not be removed", left);
  return 0;
}

int main(int argc, char **argv) {
  struct options o = parse(argc, argv);
  clean_descriptors();
  clean_limits();
  if (geteuid() != 0) enter_user_namespace(&o);
  spawner.privileged = !o.inside;
  if (strcmp(o.role, "probe") == 0) {
    spawner.ranged = spawner.privileged && ids_mapped();
    return facts_probe(o.name);
  }
  clean_signals();
  return spawn(&o);
}
