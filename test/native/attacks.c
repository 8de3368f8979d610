// Tries, from inside a container, what a container must not be able to do; prints `name result` a line, where the result
// is `done`, an errno's name, or `signal N`.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, long result) {
  printf("%s %s\n", name, result >= 0 ? "done" : strerrorname_np(errno));
}

#define TRY(name, call) (errno = 0, say(name, (long)(call)))

static void system_calls(void) {
  static const struct {
    const char *name;
    long number;
  } calls[] = {
    { "io_uring_setup", 425 }, { "io_uring_enter", 426 }, { "io_uring_register", 427 }, { "open_tree", 428 },
    { "move_mount", 429 }, { "fsopen", 430 }, { "fsconfig", 431 }, { "fsmount", 432 }, { "fspick", 433 },
    { "clone3", 435 }, { "pidfd_getfd", 438 }, { "process_madvise", 440 }, { "mount_setattr", 442 },
    { "quotactl_fd", 443 }, { "memfd_secret", 447 }, { "cachestat", 451 }, { "io_setup", SYS_io_setup },
    { "statmount", 457 }, { "listmount", 458 }, { "open_tree_attr", 467 },
    { "pivot_root", SYS_pivot_root }, { "bpf", SYS_bpf }, { "perf_event_open", SYS_perf_event_open },
    { "userfaultfd", SYS_userfaultfd }, { "keyctl", SYS_keyctl }, { "add_key", SYS_add_key },
    { "request_key", SYS_request_key }, { "kexec_load", SYS_kexec_load }, { "init_module", SYS_init_module },
    { "finit_module", SYS_finit_module }, { "delete_module", SYS_delete_module },
    { "open_by_handle_at", SYS_open_by_handle_at }, { "name_to_handle_at", SYS_name_to_handle_at }, { "kcmp", SYS_kcmp },
    { "swapon", SYS_swapon }, { "reboot", SYS_reboot }, { "acct", SYS_acct }, { "quotactl", SYS_quotactl },
    { "settimeofday", SYS_settimeofday }, { "clock_settime", SYS_clock_settime }, { "adjtimex", SYS_adjtimex },
    { "syslog", SYS_syslog }, { "vhangup", SYS_vhangup }, { "fanotify_init", SYS_fanotify_init },
    { "setns", SYS_setns }, { "process_vm_readv", SYS_process_vm_readv }, { "process_vm_writev", SYS_process_vm_writev },
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) TRY(calls[i].name, syscall(calls[i].number, 0, 0, 0, 0, 0, 0));
}

static void mounts(void) {
  TRY("mount_tmpfs", mount("none", "/tmp", "tmpfs", 0, NULL));
  TRY("mount_proc", mount("proc", "/tmp", "proc", 0, NULL));
  TRY("mount_bind", mount("/", "/tmp", NULL, MS_BIND, NULL));
  TRY("remount_usr", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
  TRY("umount_proc", umount2("/proc", MNT_DETACH));
  TRY("umount_run", umount2("/run", MNT_DETACH));
  TRY("chroot", chroot("/tmp"));
}

static int empty(void *unused) {
  (void)unused;
  return 0;
}

static void namespaces(void) {
  static const struct {
    const char *name;
    int flag;
  } spaces[] = { { "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS }, { "pid", CLONE_NEWPID }, { "ipc", CLONE_NEWIPC },
                 { "uts", CLONE_NEWUTS }, { "net", CLONE_NEWNET }, { "cgroup", CLONE_NEWCGROUP }, { "time", 0x80 } };
  static char stack[65536] __attribute__((aligned(16)));
  char name[32];
  for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
    snprintf(name, sizeof name, "unshare_%s", spaces[i].name);
    TRY(name, unshare(spaces[i].flag));
    snprintf(name, sizeof name, "clone_%s", spaces[i].name);
    if (spaces[i].flag != 0x80) TRY(name, clone(empty, stack + sizeof stack, spaces[i].flag | SIGCHLD, NULL));
  }
}

static void init(void) {
  struct rlimit none = { 0, 0 };
  TRY("ptrace_attach_init", ptrace(PTRACE_ATTACH, 1, 0, 0));
  TRY("ptrace_seize_init", ptrace(PTRACE_SEIZE, 1, 0, 0));
  TRY("open_init_mem", open("/proc/1/mem", O_RDWR));
  TRY("open_init_environ", open("/proc/1/environ", O_RDONLY));
  TRY("open_init_root", open("/proc/1/root", O_RDONLY));
  TRY("open_init_fd", open("/proc/1/fd/3", O_RDWR));
  TRY("prlimit_init", prlimit(1, RLIMIT_NOFILE, &none, NULL));
  kill(1, SIGKILL);
  kill(1, SIGSTOP);
  kill(1, SIGTERM);
  pid_t child = fork();
  if (child == 0) pause();
  TRY("ptrace_sibling", ptrace(PTRACE_ATTACH, child, 0, 0));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

static long read_first(const char *path) {
  char byte;
  int fd = open(path, O_RDONLY);
  return fd < 0 ? fd : read(fd, &byte, 1);
}

static void files(void) {
  static const char *const paths[] = { "/x", "/usr/x", "/etc/x", "/etc/passwd", "/dev/x", "/proc/sys/kernel/hostname", "/opt/x",
                                       "/proc/sysrq-trigger", "/proc/self/oom_score_adj", "/proc/sys/kernel/core_pattern",
                                       "/home/x", "/var/x", "/sys/x", "/bin/x", "/dev/pts/x" };
  static const char *const secrets[] = { "/etc/shadow", "/proc/kcore", "/proc/timer_list", "/dev/mem", "/dev/kmsg", "/dev/vda",
                                         "/proc/kmsg", "/proc/kpagecount", "/etc/ssl/private", "/root/x", "/sys/kernel",
                                         "/sys/fs/cgroup", "/proc/sched_debug", "/proc/slabinfo" };
  char name[96];
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    snprintf(name, sizeof name, "write:%s", paths[i]);
    TRY(name, open(paths[i], O_WRONLY | O_CREAT, 0600));
  }
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
    snprintf(name, sizeof name, "read:%s", secrets[i]);
    TRY(name, read_first(secrets[i]));
  }
  TRY("mknod_char", mknod("/tmp/c", S_IFCHR | 0666, makedev(1, 1)));
  TRY("mknod_block", mknod("/tmp/b", S_IFBLK | 0666, makedev(254, 0)));
  TRY("link_out", link("/etc/passwd", "/tmp/passwd"));
}

// Every tenant's: who may ask whether it is in memory, or put it out, sees who else uses it.
static const char common[] = "/usr/bin/pr";

static long disk_reads(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_majflt;
}

// The counted fault says whether the page had to be read from the disk.
static long is_out(int fd) {
  char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  if (page == MAP_FAILED) return -1;
  long before = disk_reads();
  (void)*(volatile char *)page;
  long read = disk_reads() - before;
  munmap(page, 4096);
  if (read == 0) errno = EBUSY;
  return read ? 0 : -1;
}

static long advised_out(int fd, int advice) {
  char byte;
  if (pread(fd, &byte, 1, 0) != 1) return -1;
  int error = posix_fadvise(fd, 0, 0, advice);
  if (error) printf("advice %s\n", strerrorname_np(error));
  return is_out(fd);
}

static long mapped_out(int fd, int advice) {
  char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) return -1;
  (void)*(volatile char *)page;
  madvise(page, 4096, advice);
  munmap(page, 4096);
  return is_out(fd);
}

static void cache(void) {
  char byte;
  struct iovec io = { &byte, 1 };
  int fd = open(common, O_RDONLY);
  TRY("evict_fadvise", advised_out(fd, POSIX_FADV_DONTNEED));
  TRY("evict_pageout", mapped_out(fd, 21)); // MADV_PAGEOUT
  TRY("preadv2_nowait", preadv2(fd, &io, 1, 0, 8));
  TRY("preadv2_dontcache", preadv2(fd, &io, 1, 0, 0x80));
  printf("preadv2 %ld\n", (long)preadv2(fd, &io, 1, 0, 0));
  close(fd);
}

static void sockets(void) {
  static const struct {
    const char *name;
    int family, type, protocol;
  } kinds[] = { { "packet", 17, SOCK_RAW, 0 }, { "alg", 38, SOCK_SEQPACKET, 0 }, { "vsock", 40, SOCK_STREAM, 0 },
                { "raw", AF_INET, SOCK_RAW, 1 }, { "raw6", AF_INET6, SOCK_RAW, 58 }, { "bluetooth", 31, SOCK_RAW, 0 },
                { "xdp", 44, SOCK_RAW, 0 }, { "key", 15, SOCK_RAW, 2 }, { "can", 29, SOCK_RAW, 1 }, { "tipc", 30, SOCK_RDM, 0 },
                { "netlink_audit", 16, SOCK_RAW, 9 }, { "netlink_uevent", 16, SOCK_RAW, 15 },
                { "netlink_netfilter", 16, SOCK_RAW, 12 }, { "smc", 43, SOCK_STREAM, 0 } };
  char name[32];
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    snprintf(name, sizeof name, "socket_%s", kinds[i].name);
    TRY(name, socket(kinds[i].family, kinds[i].type, kinds[i].protocol));
  }
  struct sockaddr_in outside = { .sin_family = AF_INET, .sin_port = htons(80), .sin_addr = { htonl(0x01010101) } };
  TRY("connect_outside", connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&outside, sizeof outside));
}

static void privileges(void) {
  struct rlimit files = { 1 << 20, 1 << 20 };
  struct sched_param first = { 1 };
  TRY("setuid_root", setuid(0));
  TRY("setgroups", syscall(SYS_setgroups, 0, NULL));
  TRY("raise_ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
  TRY("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
  TRY("new_privs", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  TRY("raise_nofile", setrlimit(RLIMIT_NOFILE, &files));
  TRY("realtime", sched_setscheduler(0, SCHED_FIFO, &first));
  TRY("nice", setpriority(PRIO_PROCESS, 0, -5));
  TRY("sethostname", sethostname("x", 1));
  TRY("tiocsti", ioctl(0, TIOCSTI, "x"));
  TRY("personality_32", personality(PER_LINUX32));
  TRY("personality_query", personality(0xffffffff));
}

#if defined(__x86_64__)
static long by_interrupt(void) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory"); // i386's getpid
  return result;
}

static void foreign(void) {
  int status = 0;
  TRY("x32", syscall(0x40000000 | SYS_getpid));
  TRY("iopl", syscall(SYS_iopl, 3));
  TRY("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
  TRY("modify_ldt", syscall(SYS_modify_ldt, 0, NULL, 0));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    by_interrupt();
    _exit(0);
  }
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) printf("int80 signal %d\n", WTERMSIG(status));
  else printf("int80 done\n");
}
#else
static void foreign(void) {
}
#endif

static void capabilities(void) {
  struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct sets[2];
  syscall(SYS_capget, &head, sets);
  printf("capabilities %x\n", sets[0].effective | sets[0].permitted | sets[0].inheritable | sets[1].effective |
                                sets[1].permitted | sets[1].inheritable);
}

static void descriptors(void) {
  DIR *dir = opendir("/proc/self/fd");
  printf("descriptors");
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(dir)) printf(" %s", e->d_name);
  printf("\n");
  if (dir) closedir(dir);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  descriptors();
  capabilities();
  system_calls();
  mounts();
  namespaces();
  init();
  files();
  cache();
  sockets();
  privileges();
  foreign();
  return 0;
}
