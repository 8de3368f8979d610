// A container's pid 1, first half: from clone to sealed. Every step that fails is reported by name and ends it.
#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "filter.h"
#include "link.h"
#include "root.h"

enum { UNSHARE_FILES = 2, LAST_CAP_TRIED = 63 };

static int line;

static void fail(const char *stage) {
  struct report r = { .kind = REPORT_FAILED, .error = (uint32_t)errno };
  strncpy(r.stage, stage, sizeof r.stage - 1);
  send(line, &r, sizeof r, MSG_NOSIGNAL);
  _exit(1);
}

static void must(int result, const char *stage) {
  if (result < 0) fail(stage);
}

static int close_from(unsigned first, unsigned last, unsigned flags) {
  return first > last ? 0 : (int)syscall(SYS_close_range, first, last, flags);
}

// The descriptor table is the spawner's until here. Unsharing with everything above the low ones cut off copies a
// handful, where copying thousands made every fork slower.
static void own_descriptors(const struct birth *b) {
  must(close_from((unsigned)b->low_end, ~0u, UNSHARE_FILES), "files");
  must(slot_enter(b->slot), "cgroup.enter");
  must(close_from(3, (unsigned)b->sock - 1, 0), "files");
  must(close_from((unsigned)b->sock + 1, (unsigned)b->low_end - 1, 0), "files");
}

static void loopback_up(void) {
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };
  strcpy(request.ifr_name, "lo");
  must(s, "loopback");
  must(ioctl(s, SIOCSIFFLAGS, &request), "loopback");
  close(s);
}

// The spawner writes the uid maps meanwhile; an end of file means that it is gone.
static void await_go(void) {
  char go;
  ssize_t n;
  while ((n = recv(line, &go, 1, 0)) < 0 && errno == EINTR) continue;
  if (n != 1) _exit(1);
}

// Host root has no name in our map, so taking the tenant's uid keeps the capabilities that the mounts still need.
static void take_identity(const struct birth *b) {
  if (b->ranged) must(setgroups(0, NULL), "identity");
  must(setresgid(TENANT, TENANT, TENANT), "identity");
  must(setresuid(TENANT, TENANT, TENANT), "identity");
}

static void plain_stdio(void) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  must(null, "stdio");
  for (int fd = 0; fd < 3; fd++) must(dup2(null, fd), "stdio");
  close(null);
}

static void set_limits(const struct birth *b) {
  struct rlimit files = { b->nofile, b->nofile }, processes = { b->pids, b->pids };
  must(setrlimit(RLIMIT_NOFILE, &files), "rlimit");
  if (b->limit_pids) must(setrlimit(RLIMIT_NPROC, &processes), "rlimit");
}

static void drop_capabilities(void) {
  struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
  for (int cap = 0; cap <= LAST_CAP_TRIED; cap++) {
    if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
    if (errno != EINVAL) fail("capabilities");
    break; // past the kernel's last one
  }
  must(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
             SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
             0, 0, 0), "securebits");
  must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "capabilities");
  must((int)syscall(SYS_capset, &head, none), "capabilities");
}

// Other containers' threads never share a core with ours, where the kernel can see to it: that closes side channels.
static void own_core(void) {
  prctl(62, 1, 0, 1, 0); // PR_SCHED_CORE, _CREATE for this _SCOPE_THREAD_GROUP: children inherit it
}

static void seal(const struct birth *b) {
  own_core();
  plain_stdio();
  set_limits(b);
  drop_capabilities();
  must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable");
  must(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "pdeathsig");
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  must(filter_load(), "seccomp");
}

void init_main(const struct birth *b) {
  line = b->sock;
  own_descriptors(b);
  // The net namespace is most of a container's price: it is made here, beside the spawner and on the tenant's account.
  must(unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP), "namespaces");
  must(sethostname(b->hostname, strlen(b->hostname)), "hostname");
  loopback_up();
  await_go();
  take_identity(b);
  const char *stage = root_furnish(b->tmp_bytes, b->ranged);
  if (stage) fail(stage);
  seal(b);
  struct report ready = { .kind = REPORT_READY };
  if (send(line, &ready, sizeof ready, MSG_NOSIGNAL) < 0) _exit(1);
  init_serve(line);
}
