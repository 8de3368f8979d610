// The seccomp filter that every process of a container runs under: a binary search over syscall numbers.
#define _GNU_SOURCE
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the membrane supports x86_64 and aarch64"
#endif

// Numbers above this one (mseal) did not exist when this list was written: they answer ENOSYS, never "allowed".
// x32's numbers (bit 30 set) are above it too.
enum { LAST_KNOWN = 462, CAP = 1024 };

enum verdict {
  ALLOW, DENY, ABSENT, CLONE, UNSHARE, SOCKET, IOCTL, PERSONALITY, PTRACE, PRLIMIT, SETRLIMIT, SCHED, NICE, WATCH, FCNTL,
  ADVISE, READ, VERDICTS,
};

#define NAMESPACES 0x7e020000u // CLONE_NEW{CGROUP,UTS,IPC,USER,PID,NET} and CLONE_NEWNS
#define NEWTIME 0x80u

static const short denied[] = {
  SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_bpf, SYS_perf_event_open, SYS_keyctl, SYS_add_key,
  SYS_request_key, SYS_userfaultfd, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module, SYS_finit_module,
  SYS_delete_module, SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_process_vm_readv, SYS_process_vm_writev,
  SYS_kcmp, SYS_swapon, SYS_swapoff, SYS_reboot, SYS_acct, SYS_quotactl, SYS_settimeofday, SYS_clock_settime,
  SYS_clock_adjtime, SYS_adjtimex, SYS_syslog, SYS_vhangup, SYS_lookup_dcookie, SYS_nfsservctl,
  SYS_fanotify_init, SYS_fanotify_mark,
  SYS_move_pages, SYS_migrate_pages, SYS_sethostname, SYS_setdomainname,
#if defined(__x86_64__)
  SYS_iopl, SYS_ioperm, SYS_uselib, SYS_modify_ldt, SYS_create_module, SYS_get_kernel_syms, SYS_query_module,
  SYS__sysctl, SYS_ustat, SYS_sysfs,
#endif
  // From here on the numbers are the same on every architecture, and older headers lack some of the names.
  425, 426, 427,                     // io_uring_setup, _enter, _register
  428, 429, 430, 431, 432, 433, 442, // open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr
  438, 440, 443, 447, 453,           // pidfd_getfd, process_madvise, quotactl_fd, memfd_secret, map_shadow_stack
  451,                               // cachestat, which older kernels answer for any file
  457, 458, 459, 460, 461,           // statmount, listmount, lsm_get_self_attr, lsm_set_self_attr, lsm_list_modules
};

static struct sock_filter program[CAP];
static unsigned short length;
static uint8_t verdicts[LAST_KNOWN + 1];
// Where each verdict's answer begins, and the jumps that lead there.
static unsigned short starts[VERDICTS];
static struct {
  unsigned short at;
  uint8_t verdict;
  bool greater;
} jumps[CAP];
static unsigned jump_count;

static void emit(uint16_t code, uint8_t jt, uint8_t jf, uint32_t k) {
  if (length == CAP) die("the seccomp filter is over %d instructions", CAP);
  program[length++] = (struct sock_filter){ code, jt, jf, k };
}

static void load_field(size_t offset) {
  emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void answer(uint32_t action) {
  emit(BPF_RET | BPF_K, 0, 0, action);
}

#define ARG(n) (offsetof(struct seccomp_data, args) + 8 * (n)) // the low half: both architectures are little-endian
#define ARG_HIGH(n) (ARG(n) + 4)
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)

static bool is_run(int lo, int hi) {
  while (lo < hi && verdicts[lo + 1] == verdicts[lo]) lo++;
  return lo == hi;
}

// The middle, moved to where a run of one verdict ends, so that no run is searched twice.
static int split_of(int lo, int hi) {
  int split = (lo + hi + 1) / 2;
  while (split > lo + 1 && verdicts[split] == verdicts[split - 1]) split--;
  if (verdicts[split] != verdicts[split - 1]) return split;
  for (split = (lo + hi + 1) / 2; verdicts[split] == verdicts[split - 1];) split++;
  return split;
}

static void search(int lo, int hi);

// One side of a comparison: straight to its verdict, or on to a further comparison, which starts here.
static void side(unsigned short at, bool greater, int lo, int hi) {
  if (is_run(lo, hi)) {
    jumps[jump_count].at = at;
    jumps[jump_count].greater = greater;
    jumps[jump_count++].verdict = verdicts[lo];
    return;
  }
  unsigned distance = (unsigned)(length - at - 1);
  if (distance > 255) die("the seccomp filter has too long a jump");
  *(greater ? &program[at].jt : &program[at].jf) = (uint8_t)distance;
  search(lo, hi);
}

// lo…hi are syscall numbers. Verdicts are shared: every container compiles this program, so it is kept short.
static void search(int lo, int hi) {
  int split = split_of(lo, hi);
  unsigned short at = length;
  emit(BPF_JMP | BPF_JGE | BPF_K, 0, 0, (uint32_t)split);
  side(at, false, lo, split - 1);
  side(at, true, split, hi);
}

static void land(void) {
  for (unsigned i = 0; i < jump_count; i++) {
    unsigned distance = (unsigned)(starts[jumps[i].verdict] - jumps[i].at - 1);
    if (distance > 255) die("the seccomp filter has too long a jump");
    *(jumps[i].greater ? &program[jumps[i].at].jt : &program[jumps[i].at].jf) = (uint8_t)distance;
  }
}

static void allow_if_equal(uint32_t value) {
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
  answer(SECCOMP_RET_ALLOW);
}

static void refuse_if_set(uint32_t bits) {
  emit(BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
  answer(REFUSE);
  answer(SECCOMP_RET_ALLOW);
}

// Other protocols (SCTP, DCCP, …) would have the kernel load a module for whoever asks.
static void rule_socket(void) {
  load_field(ARG(0));
  allow_if_equal(1); // AF_UNIX
  emit(BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 2);  // AF_INET
  emit(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 10); // AF_INET6
  emit(BPF_JMP | BPF_JEQ | BPF_K, 6, 0, 16); // AF_NETLINK, only its ROUTE protocol: glibc lists interfaces with it
  answer(REFUSE);
  load_field(ARG(2));
  emit(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 6);  // TCP
  emit(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 17); // UDP
  emit(BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 0);
  answer(SECCOMP_RET_ERRNO | EPROTONOSUPPORT);
  load_field(ARG(2));
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
  answer(SECCOMP_RET_ALLOW);
  answer(REFUSE);
}

static void rule_personality(void) {
  load_field(ARG(0));
  allow_if_equal(0);
  allow_if_equal(0x0040000); // ADDR_NO_RANDOMIZE
  allow_if_equal(0xffffffff); // a query
  answer(REFUSE);
}

// Typing into a terminal that somebody else reads; line disciplines, which the kernel would load modules for.
static void rule_ioctl(void) {
  load_field(ARG(1));
  emit(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 0x5412); // TIOCSTI
  emit(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0x5423); // TIOCSETD
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x541C); // TIOCLINUX
  answer(REFUSE);
  answer(SECCOMP_RET_ALLOW);
}

// A limit of 1 keeps the kernel from starting the host's core dump handler; who lowers it is told that it was done.
static void keep_core_limit(unsigned resource) {
  load_field(ARG(resource));
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 4); // RLIMIT_CORE
  answer(SECCOMP_RET_ERRNO | 0);
}

static void rule_setrlimit(void) {
  keep_core_limit(0);
  answer(SECCOMP_RET_ALLOW);
}

// Init has the tenant's uid: its limits must not be the tenant's to set, so only one's own pid may be 0.
static void rule_prlimit(void) {
  load_field(ARG(2));
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0);
  load_field(ARG_HIGH(2));
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
  answer(SECCOMP_RET_ALLOW); // nothing is set
  keep_core_limit(1);
  load_field(ARG(0));
  allow_if_equal(0);
  answer(REFUSE);
}

static void refuse_if_equal(uint32_t value) {
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
  answer(REFUSE);
}

// Init has to run to end: starved by the tenant's busy processes it would outlive its own SIGKILL.
static void rule_sched(void) {
  load_field(ARG(0));
  refuse_if_equal(1);
  answer(SECCOMP_RET_ALLOW);
}

static void rule_nice(void) {
  load_field(ARG(0));
  refuse_if_equal(2); // PRIO_USER: init is of that user
  load_field(ARG(1));
  refuse_if_equal(1);
  answer(SECCOMP_RET_ALLOW);
}

// The files below /usr are the host's and every tenant's: who waits for them to be opened or read sees what others do.
static void rule_watch(void) {
  load_field(ARG(2));
  refuse_if_set(0x31); // IN_ACCESS, IN_CLOSE_NOWRITE, IN_OPEN
}

static void rule_fcntl(void) {
  load_field(ARG(1));
  refuse_if_equal(1026); // F_NOTIFY, inotify's forerunner
  answer(SECCOMP_RET_ALLOW);
}

// Who throws a shared file out of the page cache and asks later whether it is there again sees that others used it. The
// advice is taken for given: it promises nothing.
static void rule_advise(void) {
  load_field(ARG(3));
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 4); // POSIX_FADV_DONTNEED
  answer(SECCOMP_RET_ERRNO | 0);
  answer(SECCOMP_RET_ALLOW);
}

static void rule_read(void) {
  load_field(ARG(5));
  emit(BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0x88); // RWF_NOWAIT, RWF_DONTCACHE
  answer(SECCOMP_RET_ERRNO | EOPNOTSUPP);
  answer(SECCOMP_RET_ALLOW);
}

static void rule_ptrace(void) {
  load_field(ARG(0));
  allow_if_equal(0); // PTRACE_TRACEME
  answer(REFUSE);
}

static void rule_flags(uint32_t bits) {
  load_field(ARG(0));
  refuse_if_set(bits);
}

static void rule(enum verdict v) {
  starts[v] = length;
  switch (v) {
    case ALLOW: answer(SECCOMP_RET_ALLOW); break;
    case DENY: answer(REFUSE); break;
    case ABSENT: answer(SECCOMP_RET_ERRNO | ENOSYS); break;
    case CLONE: rule_flags(NAMESPACES); break;
    case UNSHARE: rule_flags(NAMESPACES | NEWTIME); break;
    case SOCKET: rule_socket(); break;
    case IOCTL: rule_ioctl(); break;
    case PERSONALITY: rule_personality(); break;
    case PTRACE: rule_ptrace(); break;
    case PRLIMIT: rule_prlimit(); break;
    case SETRLIMIT: rule_setrlimit(); break;
    case SCHED: rule_sched(); break;
    case NICE: rule_nice(); break;
    case WATCH: rule_watch(); break;
    case FCNTL: rule_fcntl(); break;
    case ADVISE: rule_advise(); break;
    case READ: rule_read(); break;
    case VERDICTS: break;
  }
}

static void assign(void) {
  for (size_t i = 0; i < LENGTH(denied); i++) verdicts[denied[i]] = DENY;
  verdicts[SYS_clone] = CLONE;
  verdicts[435] = ABSENT; // clone3: its flags are out of a filter's sight, and libc falls back to clone
  verdicts[SYS_unshare] = UNSHARE;
  verdicts[SYS_socket] = verdicts[SYS_socketpair] = SOCKET;
  verdicts[SYS_ioctl] = IOCTL;
  verdicts[SYS_personality] = PERSONALITY;
  verdicts[SYS_ptrace] = PTRACE;
  verdicts[SYS_prlimit64] = PRLIMIT;
  verdicts[SYS_setrlimit] = SETRLIMIT;
  verdicts[SYS_sched_setparam] = verdicts[SYS_sched_setscheduler] = SCHED;
  verdicts[SYS_sched_setaffinity] = verdicts[SYS_sched_setattr] = SCHED;
  verdicts[SYS_setpriority] = NICE;
  verdicts[SYS_inotify_add_watch] = WATCH;
  verdicts[SYS_fcntl] = FCNTL;
  verdicts[SYS_fadvise64] = ADVISE;
  verdicts[SYS_preadv2] = READ;
  // Its reads may carry RWF_NOWAIT where no filter sees it, and one bound on requests is everybody's.
  verdicts[SYS_io_setup] = ABSENT;
}

void filter_build(void) {
  assign();
  load_field(offsetof(struct seccomp_data, arch));
  emit(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE_ARCH);
  answer(SECCOMP_RET_KILL_PROCESS);
  load_field(offsetof(struct seccomp_data, nr));
  emit(BPF_JMP | BPF_JGT | BPF_K, 0, 1, LAST_KNOWN);
  answer(SECCOMP_RET_ERRNO | ENOSYS);
  search(0, LAST_KNOWN);
  for (int v = ALLOW; v < VERDICTS; v++) rule((enum verdict)v);
  land();
}

int filter_load(void) {
  struct sock_fprog loaded = { length, program };
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &loaded);
}
