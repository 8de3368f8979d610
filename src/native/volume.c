// A container's volume: a host directory's home, tmp and srv, mounted over the container's own by a helper that looks
// the directory up among the host's mounts, gives it to the tenant, and carries it into the container's mounts.
#define _GNU_SOURCE
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"
#include "ids.h"
#include "reown.h"
#include "root.h"
#include "spawner.h"

enum { ATTACH_LIMIT_US = 120000000, MOUNTINFO_MAX = 1 << 18 };

static const struct part {
  const char *name, *at;
  mode_t mode;
} parts[] = {
  { "home", "/home/sandbox", 0700 },
  { "tmp", "/tmp", 01777 },
  { "srv", "/srv", 0755 },
};

enum { PARTS = sizeof parts / sizeof *parts };

struct verdict {
  int error;
  char stage[24];
};

// What the helper needs, in memory that forks do copy.
static struct errand {
  char dir[PATH_LENGTH_MAX + 1];
  uint32_t owner;
  int user, mounts, reply;
} errand;

// ---- the helper ----

static void answer(int error, const char *stage) {
  struct verdict v = { .error = error };
  strncpy(v.stage, stage, sizeof v.stage - 1);
  if (write(errand.reply, &v, sizeof v) != (ssize_t)sizeof v) _exit(1);
  _exit(0);
}

static int must(int result, const char *stage) {
  if (result < 0) answer(errno, stage);
  return result;
}

static int open_volume(void) {
  struct stat st;
  int fd = must(open(errand.dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "attach.open");
  must(fstat(fd, &st), "attach.open");
  if (st.st_uid != geteuid() || (st.st_mode & 077)) answer(EPERM, "attach.open");
  return fd;
}

static int open_part(int volume, const struct part *p) {
  bool made = mkdirat(volume, p->name, 0700) == 0;
  int fd = must(openat(volume, p->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "attach.open");
  struct stat st;
  if (made) must(fchmod(fd, p->mode), "attach.own");
  must(fstat(fd, &st), "attach.own");
  // The top changes hands last: a walk that was cut short is done again.
  if (st.st_uid != errand.owner || st.st_gid != errand.owner) must(reown(fd, errand.owner), "attach.own");
  return fd;
}

struct attributes {
  uint64_t set, clear, propagation, userns;
};

// A mount of its own, which nobody sees yet. Kernels before 5.12 take the flags only once it is in place.
static int pick(int part) {
  struct attributes a = { .set = MS_NOSUID | MS_NODEV, .propagation = MS_PRIVATE };
  const unsigned clone = 1 | O_CLOEXEC | AT_EMPTY_PATH; // OPEN_TREE_CLONE
  int tree = must((int)syscall(428, part, "", clone), "attach.mount");
  if (syscall(442, tree, "", AT_EMPTY_PATH, &a, sizeof a) && errno != ENOSYS) answer(errno, "attach.mount");
  return tree;
}

static void place(int tree, const struct part *p) {
  must((int)syscall(429, tree, "", AT_FDCWD, p->at, 4), "attach.mount"); // MOVE_MOUNT_F_EMPTY_PATH
  must(mount(NULL, p->at, NULL, MS_PRIVATE, NULL), "attach.mount");
  must(mount(NULL, p->at, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL), "attach.mount");
}

static void run_errand(void) {
  int trees[PARTS];
  prctl(PR_SET_NAME, "membrane-volume", 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  umask(0);
  must(host_enter(), "attach.open");
  int volume = open_volume();
  for (int i = 0; i < PARTS; i++) trees[i] = pick(open_part(volume, &parts[i]));
  must(setns(errand.user, CLONE_NEWUSER), "attach.mount");
  must(setns(errand.mounts, CLONE_NEWNS), "attach.mount");
  for (int i = 0; i < PARTS; i++) place(trees[i], &parts[i]);
  answer(0, "");
}

// ---- what the kernel says of it ----

// The last line of a mount point is what is seen there.
static bool is_mounted(const char *table, const struct part *p) {
  bool there = false;
  for (const char *line = table; *line; line = strchr(line, '\n') + 1) {
    char root[PATH_LENGTH_MAX + 1], at[256], options[256];
    if (!strchr(line, '\n')) return false;
    if (sscanf(line, "%*s %*s %*s %4095s %255s %255s", root, at, options) != 3 || strcmp(at, p->at) != 0) continue;
    const char *last = strrchr(root, '/');
    there = last && strcmp(last + 1, p->name) == 0 && strncmp(options, "rw,", 3) == 0 && strstr(options, ",nosuid") &&
            strstr(options, ",nodev");
  }
  return there;
}

static bool all_mounted(const struct box *b) {
  static char table[MOUNTINFO_MAX];
  TEXT(path, 40);
  say_u64(&path, (uint64_t)b->pid);
  say(&path, "/mountinfo");
  if (read_at(spawner.proc, path.at, table, sizeof table) < 0) return false;
  for (int i = 0; i < PARTS; i++)
    if (!is_mounted(table, &parts[i])) return false;
  return true;
}

// ---- in the loop ----

static void refuse(const struct box *b, int error, const char *stage) {
  const char *why = strerror(error);
  if (strcmp(stage, "attach.open") == 0 && error == EPERM)
    why = "a volume is a directory of the spawner's user that is closed to everybody else (mode 0700)";
  send_failed(b->id, 0, (uint32_t)error, stage, why);
}

static void limit_passed(void *owner) {
  struct volume *v = owner;
  v->late = true;
  helper_kill(&v->helper);
}

static void helper_ended(void *owner) {
  struct box *b = owner;
  struct volume *v = &b->volume;
  struct verdict verdict = { v->late ? ETIMEDOUT : ECHILD, "attach" };
  struct verdict said;
  if (read(v->reply, &said, sizeof said) == (ssize_t)sizeof said) verdict = said;
  verdict.stage[sizeof verdict.stage - 1] = 0;
  close(v->reply);
  timer_clear(&v->limit);
  bool running = b->state == BOX_LIVE || b->state == BOX_FROZEN;
  if (!running) verdict = (struct verdict){ ESRCH, "attach" };
  else if (!verdict.error && !all_mounted(b)) verdict = (struct verdict){ EPROTO, "attach.read" };
  v->state = verdict.error ? VOLUME_NONE : VOLUME_THERE;
  if (verdict.error) {
    refuse(b, verdict.error, verdict.stage);
    return;
  }
  out_begin(R_ATTACHED, b->id);
  out_end();
}

static int open_space(const struct box *b, const char *name) {
  TEXT(path, 40);
  say_u64(&path, (uint64_t)b->pid);
  sayf(&path, "/ns/%s", name);
  return openat(spawner.proc, path.at, O_RDONLY | O_CLOEXEC);
}

static int send_helper(struct box *b) {
  int reply[2] = { -1, -1 }, error = 0;
  errand.owner = spawner.ranged ? ids_of(b->slot) + TENANT : geteuid();
  errand.user = open_space(b, "user");
  errand.mounts = open_space(b, "mnt");
  if (errand.user < 0 || errand.mounts < 0 || pipe2(reply, O_CLOEXEC | O_NONBLOCK)) error = errno;
  errand.reply = reply[1];
  int fds[] = { host_space(), errand.user, errand.mounts, errand.reply };
  pid_t pid = error ? -1 : helper_fork(&b->volume.helper, fds, LENGTH(fds), helper_ended, b);
  if (pid == 0) run_errand();
  if (pid < 0 && !error) error = errno;
  if (errand.user >= 0) close(errand.user);
  if (errand.mounts >= 0) close(errand.mounts);
  if (reply[1] >= 0) close(reply[1]);
  if (error && reply[0] >= 0) close(reply[0]);
  b->volume.reply = reply[0];
  return error;
}

static int refusal(const struct box *b, const struct frame *f) {
  if (b->state != BOX_LIVE && b->state != BOX_FROZEN) return ESRCH;
  if (b->state == BOX_FROZEN || b->used || b->volume.state != VOLUME_NONE) return EBUSY;
  return f->path.len == 0 || f->path.len > PATH_LENGTH_MAX || f->path.at[0] != '/' ? EINVAL : 0;
}

void box_attach(struct box *b, const struct frame *f) {
  int error = refusal(b, f);
  if (!error) {
    memcpy(errand.dir, f->path.at, f->path.len);
    errand.dir[f->path.len] = 0;
    error = send_helper(b);
  }
  if (error) {
    refuse(b, error, "attach");
    return;
  }
  b->volume.state = VOLUME_UNDER_WAY;
  timer_set(&b->volume.limit, now_us() + ATTACH_LIMIT_US, limit_passed, &b->volume);
}

void volume_drop(struct box *b) {
  struct volume *v = &b->volume;
  timer_clear(&v->limit);
  if (!v->helper.pid) return;
  helper_forget(&v->helper);
  close(v->reply);
}
