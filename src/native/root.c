// The template root: the read-only tree that every container's mount namespace starts as a copy of.
#define _GNU_SOURCE
#include "root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

struct template template;

#define QUIET (MS_NOSUID | MS_NODEV | MS_NOEXEC)

enum { COPY_DEPTH = 12, COPY_BYTES = 64 << 20 };

// Language runtimes, their certificates, fonts and zones; nothing that names users, hosts, keys or registries.
static const char *const etc_allowed[] = {
  "alternatives", "ca-certificates*", "ssl", "pki", "crypto-policies", "ld.so.*", "localtime", "timezone", "mime.types",
  "magic", "magic.mime", "services", "protocols", "rpc", "gai.conf", "host.conf", "os-release", "debian_version",
  "lsb-release", "alpine-release", "redhat-release", "inputrc", "terminfo", "bash.bashrc", "profile", "locale.alias",
  "locale.conf", "java-*", "java", ".java", "maven", "python3*", "perl", "ghc*", "fonts", "php*", "R", "erlang",
  "elixir", "octave*", "emacs", "lua*", "julia", "dotnet", "mono", "scala", "tcl*", "racket", "guile*", "ocaml*",
  "cobol*", "gnucobol*", "fpc*", "ruby*", "node*", "gprolog*", "swi-prolog*", "ImageMagick*", "groff", "papersize",
  "X11", "sgml", "ldc2.conf*", "groovy", "kotlin*", "clojure*",
  "xml", "sbcl*", "common-lisp", "clisp*", "nim*", "zig", "rust*", "cargo", "vim",
};

static const char *const never[] = { "private", "*.key", "npmrc", "pip.conf", "auth*", "*shadow*" };

static const char *const var_lib[] = { "ghc", "gems", "erlang", "sgml-base", "xml-core", "ca-certificates-java" };

static const struct {
  const char *path, *text;
} generated[] = {
  { "etc/passwd", "root:x:0:0:root:/:/usr/sbin/nologin\nsandbox:x:1000:1000:sandbox:/home/sandbox:/bin/bash\n"
                  "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n" },
  { "etc/group", "root:x:0:\ntty:x:5:\nsandbox:x:1000:\nnogroup:x:65534:\n" },
  { "etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" },
  { "etc/hostname", "sandbox\n" },
  { "etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n"
                         "protocols: files\nrpc: files\n" },
  { "etc/resolv.conf", "" },
  { "etc/environment", "" },
};

static const char *const directories[] = {
  "usr", "etc", "proc", "sys", "dev", "dev/pts", "dev/shm", "tmp", "run", "home", "home/sandbox", "var", "var/lib",
  "var/log", "var/cache", "root", "mnt", "srv", "media",
};

static const struct {
  const char *name;
  unsigned major, minor;
} devices[] = { { "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 },
                { "tty", 5, 0 } };

static const struct {
  const char *path, *to;
} links[] = {
  { "dev/ptmx", "pts/ptmx" }, { "dev/fd", "/proc/self/fd" }, { "dev/stdin", "/proc/self/fd/0" },
  { "dev/stdout", "/proc/self/fd/1" }, { "dev/stderr", "/proc/self/fd/2" }, { "var/tmp", "/tmp" },
  { "var/run", "/run" }, { "etc/mtab", "/proc/self/mounts" },
};

static const char *const masked[] = {
  "kcore", "keys", "timer_list", "sched_debug", "scsi", "latency_stats", "acpi", "asound",
};

static bool matches(const char *name, const char *const *patterns, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (fnmatch(patterns[i], name, 0) == 0) return true;
  return false;
}

// ---- copying configuration ----

static uint64_t copied;

static void copy_file(int from, int to, const char *name, const struct stat *st) {
  if (copied + (uint64_t)st->st_size > COPY_BYTES) return;
  int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (in < 0) return;
  int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644 | (st->st_mode & 0111));
  char block[16384];
  ssize_t n;
  while (out >= 0 && (n = read(in, block, sizeof block)) > 0) {
    if (write(out, block, (size_t)n) != n) die("the template root cannot be written: %s", strerror(errno));
    copied += (uint64_t)n;
  }
  if (out >= 0) close(out);
  close(in);
}

static void copy_link(int from, int to, const char *name) {
  char target[4096];
  ssize_t n = readlinkat(from, name, target, sizeof target - 1);
  if (n < 0) return;
  target[n] = 0;
  if (symlinkat(target, to, name) && errno != EEXIST) die("the template root: %s: %s", name, strerror(errno));
}

static void copy_tree(int from, int to, const char *name, int depth);

static void copy_directory(int from, int to, const char *name, int depth) {
  int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (in < 0) return;
  mkdirat(to, name, 0755);
  int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fdopendir(in);
  if (out < 0 || !dir) die("the template root cannot be made: %s", strerror(errno));
  for (struct dirent *e; (e = readdir(dir));) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    copy_tree(in, out, e->d_name, depth + 1);
  }
  closedir(dir);
  close(out);
}

// Only what every user of the host may read is copied: a secret has a tighter mode.
static void copy_tree(int from, int to, const char *name, int depth) {
  struct stat st;
  if (depth > COPY_DEPTH || matches(name, never, LENGTH(never))) return;
  if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW)) return;
  if (S_ISLNK(st.st_mode)) copy_link(from, to, name);
  else if (S_ISREG(st.st_mode) && (st.st_mode & 0004)) copy_file(from, to, name, &st);
  else if (S_ISDIR(st.st_mode) && (st.st_mode & 0005) == 0005) copy_directory(from, to, name, depth);
}

static void copy_etc(int base) {
  int to = openat(base, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = opendir("/etc");
  if (!dir || to < 0) die("/etc cannot be read: %s", strerror(errno));
  for (struct dirent *e; (e = readdir(dir));)
    if (matches(e->d_name, etc_allowed, LENGTH(etc_allowed))) copy_tree(dirfd(dir), to, e->d_name, 0);
  closedir(dir);
  close(to);
}

static void copy_var_lib(int base) {
  int from = open("/var/lib", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int to = openat(base, "var/lib", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; i < LENGTH(var_lib) && from >= 0; i++) copy_tree(from, to, var_lib[i], 0);
  if (from >= 0) close(from);
  close(to);
}

// ---- the tree ----

static void must(int result, const char *what) {
  if (result < 0) die("the template root: %s: %s", what, strerror(errno));
}

static void make_file(int base, const char *path, const char *text) {
  int fd = openat(base, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  must(fd, path);
  size_t n = strlen(text);
  if (write(fd, text, n) != (ssize_t)n) must(-1, path);
  close(fd);
}

struct attributes {
  uint64_t set, clear, propagation, userns;
};

static void bind_read_only(const char *from, const char *to) {
  must(mount(from, to, NULL, MS_BIND | MS_REC, NULL), from);
  struct attributes a = { .set = MS_RDONLY | MS_NOSUID | MS_NODEV };
  // mount_setattr (442) reaches the mounts below too; kernels before 5.12 have only the top one's remount.
  if (syscall(442, AT_FDCWD, to, AT_RECURSIVE, &a, sizeof a) == 0) return;
  must(mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL), to);
}

static void bind_host(int base, const char *name) {
  struct stat st;
  TEXT(from, 64);
  sayf(&from, "/%s", name);
  if (lstat(from.at, &st)) return;
  if (S_ISLNK(st.st_mode)) {
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    copy_link(root, base, name);
    close(root);
  } else if (S_ISDIR(st.st_mode)) {
    mkdirat(base, name, 0755);
    bind_read_only(from.at, name);
  }
}

static void make_device(int base, const char *name, unsigned major_number, unsigned minor_number) {
  TEXT(path, 32);
  TEXT(host, 32);
  sayf(&path, "dev/%s", name);
  sayf(&host, "/dev/%s", name);
  if (mknodat(base, path.at, S_IFCHR, makedev(major_number, minor_number)) == 0) {
    must(fchmodat(base, path.at, 0666, 0), path.at);
    return;
  }
  make_file(base, path.at, "");
  must(mount(host.at, path.at, NULL, MS_BIND, NULL), host.at);
}

// The kernel lets a user namespace mount a fresh /proc only where one is visible already. Ours shows the pid
// namespace of a child that has ended, so even uncovered it would list nobody.
static void make_proc(void) {
  pid_t child = fork();
  must(child, "fork");
  if (child == 0) {
    if (unshare(CLONE_NEWPID)) _exit(errno);
    pid_t inner = fork();
    if (inner < 0) _exit(errno);
    if (inner == 0) _exit(mount("proc", "proc", "proc", QUIET | MS_RDONLY, NULL) ? errno : 0);
    int status = 0;
    waitpid(inner, &status, 0);
    _exit(WEXITSTATUS(status));
  }
  int status = 0;
  waitpid(child, &status, 0);
  errno = WEXITSTATUS(status);
  if (status) must(-1, "mounting /proc");
}

static void find_masks(void) {
  for (size_t i = 0; i < LENGTH(masked) && template.mask_count < MASKS_MAX; i++) {
    struct stat st;
    struct mask *m = &template.masks[template.mask_count];
    snprintf(m->path, sizeof m->path, "/proc/%s", masked[i]);
    // What is not readable to others needs no mask: no tenant has the host's root uid.
    if (lstat(m->path + 1, &st) || !(st.st_mode & 0004)) continue;
    m->directory = S_ISDIR(st.st_mode);
    template.mask_count++;
  }
}

static void populate(void) {
  int base = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  must(base, "open");
  static const char *const host[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt" };
  for (size_t i = 0; i < LENGTH(directories); i++) must(mkdirat(base, directories[i], 0755), directories[i]);
  bind_read_only("/usr", "usr");
  for (size_t i = 0; i < LENGTH(host); i++) bind_host(base, host[i]);
  copy_etc(base);
  copy_var_lib(base);
  for (size_t i = 0; i < LENGTH(generated); i++) make_file(base, generated[i].path, generated[i].text);
  for (size_t i = 0; i < LENGTH(devices); i++) make_device(base, devices[i].name, devices[i].major, devices[i].minor);
  for (size_t i = 0; i < LENGTH(links); i++) must(symlinkat(links[i].to, base, links[i].path), links[i].path);
  make_proc();
  find_masks();
  close(base);
}

void root_enter(bool privileged) {
  // Any directory will do: nobody else sees this mount namespace.
  const char *place = access("/mnt", F_OK) == 0 ? "/mnt" : "/tmp";
  umask(022);
  must(unshare(CLONE_NEWNS), "a mount namespace of its own");
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "making mounts private");
  // Device nodes of its own work only on a tmpfs of the host's user namespace.
  const unsigned long flags = MS_NOSUID | (privileged ? 0 : MS_NODEV);
  must(mount("unsandbox", place, "tmpfs", flags, "mode=755,size=128m"), "tmpfs");
  must(chdir(place), place);
  populate();
  must(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL), "remount");
  must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH), "leaving the host's root");
  must(chdir("/"), "chdir");
}

// ---- in a container ----

static const struct {
  const char *from, *to;
  mode_t mode;
} writable[] = {
  { "/run/tmp", "/tmp", 01777 },
  { "/run/shm", "/dev/shm", 01777 },
  { "/run/home", "/home/sandbox", 0700 },
};

static const char *mount_writable(uint64_t tmp_bytes) {
  TEXT(options, 128);
  say(&options, "mode=755,nr_inodes=262144,uid=1000,gid=1000,size=");
  say_u64(&options, tmp_bytes);
  if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, options.at)) return "mount.tmpfs";
  umask(0);
  for (size_t i = 0; i < LENGTH(writable); i++) {
    if (mkdir(writable[i].from, writable[i].mode)) return "mount.tmpfs";
    if (mount(writable[i].from, writable[i].to, NULL, MS_BIND, NULL)) return "mount.tmpfs";
  }
  umask(022);
  return NULL;
}

const char *root_furnish(uint64_t tmp_bytes, bool ranged) {
  // Read-only as a whole: /proc/sys, irq, bus, fs and sysrq-trigger need no mounts of their own then.
  if (mount("proc", "/proc", "proc", QUIET | MS_RDONLY, "hidepid=2")) return "mount.proc";
  for (int i = 0; i < template.mask_count; i++) {
    const struct mask *m = &template.masks[i];
    if (mount(m->directory ? "/sys" : "/etc/environment", m->path, NULL, MS_BIND, NULL)) return "mount.mask";
  }
  // Without `max` one tenant could take all the terminals that the machine has.
  const char *terminals = "newinstance,ptmxmode=0666,mode=0620,max=128,gid=5";
  if (!ranged) terminals = "newinstance,ptmxmode=0666,mode=0620,max=128";
  if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, terminals)) return "mount.devpts";
  return mount_writable(tmp_bytes);
}
