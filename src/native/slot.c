// One container's control groups: its limits, what it used, freezing, killing, and the proof that it is empty.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"

enum { PERIOD_US = 100000, SOCKETS_PART = 8 };

static void slot_path(struct text *t, unsigned slot, const char *file) {
  say(t, "c");
  say_u64(t, slot);
  if (!*file) return;
  say(t, "/");
  say(t, file);
}

#define SLOT_PATH(name, slot, file) TEXT(name, 96); slot_path(&name, slot, file)

const char *slot_make(unsigned slot) {
  SLOT_PATH(path, slot, "");
  for (int i = 0; i < cgroups.count; i++) {
    struct hierarchy *h = &cgroups.all[i];
    if (h->dir >= 0 && mkdirat(h->dir, path.at, 0755) && errno != EEXIST) return "cgroup.mkdir";
  }
  return NULL;
}

int slot_remove(unsigned slot) {
  int failed = 0;
  SLOT_PATH(path, slot, "");
  for (int i = 0; i < cgroups.count; i++) {
    struct hierarchy *h = &cgroups.all[i];
    if (h->dir >= 0 && unlinkat(h->dir, path.at, AT_REMOVEDIR) && errno != ENOENT) failed = -1;
  }
  return failed;
}

static int put_slot(const struct hierarchy *h, unsigned slot, const char *file, uint64_t n) {
  SLOT_PATH(path, slot, file);
  return write_u64_at(h->dir, path.at, n);
}

static int limit_memory_v1(unsigned slot, uint64_t old, uint64_t new) {
  const struct hierarchy *h = cgroups.memory;
  bool raise = old && new > old;
  if (raise && cgroups.memsw && put_slot(h, slot, "memory.memsw.limit_in_bytes", new)) return -1;
  if (put_slot(h, slot, "memory.limit_in_bytes", new)) return -1;
  if (!raise && cgroups.memsw && put_slot(h, slot, "memory.memsw.limit_in_bytes", new)) return -1;
  // v1 leaves socket buffers out of a group's memory: they get a bound of their own, where the kernel still has it.
  put_slot(h, slot, "memory.kmem.tcp.limit_in_bytes", new / SOCKETS_PART);
  // Without swap accounting the best that can be said is "reclaim, do not swap".
  if (!old && !cgroups.memsw) put_slot(h, slot, "memory.swappiness", 0);
  return 0;
}

static int limit_memory_v2(unsigned slot, uint64_t old, uint64_t new) {
  const struct hierarchy *h = cgroups.memory;
  if (put_slot(h, slot, "memory.max", new)) return -1;
  if (!old && put_slot(h, slot, "memory.swap.max", 0) && cgroups.swap_on_host) return -1;
  return 0;
}

static int limit_cpu(unsigned slot, uint32_t old, uint32_t millis) {
  const struct hierarchy *h = cgroups.cpu;
  uint64_t quota = (uint64_t)millis * PERIOD_US / 1000;
  if (h->version == 1) {
    if (!old && put_slot(h, slot, "cpu.cfs_period_us", PERIOD_US)) return -1;
    return put_slot(h, slot, "cpu.cfs_quota_us", quota);
  }
  SLOT_PATH(path, slot, "cpu.max");
  TEXT(value, 64);
  sayf(&value, "%llu %d", (unsigned long long)quota, PERIOD_US);
  return write_text_at(h->dir, path.at, value.at);
}

const char *slot_limit(unsigned slot, const struct limits *old, const struct limits *new) {
  if (cgroups.memory && new->memory != old->memory) {
    int (*limit)(unsigned, uint64_t, uint64_t) = cgroups.memory->version == 1 ? limit_memory_v1 : limit_memory_v2;
    if (limit(slot, old->memory, new->memory)) return "cgroup.memory";
  }
  if (cgroups.cpu && new->cpu != old->cpu && limit_cpu(slot, old->cpu, new->cpu)) return "cgroup.cpu";
  bool pids = cgroups.pids && new->pids != old->pids;
  return pids && put_slot(cgroups.pids, slot, "pids.max", new->pids) ? "cgroup.pids" : NULL;
}

int slot_open_unified(unsigned slot) {
  if (!cgroups.unified) return -1;
  SLOT_PATH(path, slot, "");
  return openat(cgroups.unified->dir, path.at, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int slot_enter(unsigned slot) {
  SLOT_PATH(path, slot, "cgroup.procs");
  for (int i = 0; i < cgroups.count; i++) {
    struct hierarchy *h = &cgroups.all[i];
    if (h->version == 1 && h->dir >= 0 && write_at(h->dir, path.at, "0", 1)) return -1;
  }
  return 0;
}

void slot_kill(unsigned slot) {
  if (cgroups.unified) {
    SLOT_PATH(path, slot, "cgroup.kill");
    if (write_at(cgroups.unified->dir, path.at, "1", 1) == 0) return;
  }
  struct hierarchy *h = cgroups.unified ? cgroups.unified : cgroups.memory ? cgroups.memory : cgroups.pids;
  if (!h) return;
  SLOT_PATH(path, slot, "");
  int fd = openat(h->dir, path.at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  group_signal(fd);
  close(fd);
}

int slot_freeze(unsigned slot, bool on) {
  if (!cgroups.freezer) {
    errno = ENOTSUP;
    return -1;
  }
  if (cgroups.freezer->version == 2) return put_slot(cgroups.freezer, slot, "cgroup.freeze", on);
  SLOT_PATH(path, slot, "freezer.state");
  return write_text_at(cgroups.freezer->dir, path.at, on ? "FROZEN" : "THAWED");
}

int slot_frozen(unsigned slot, bool on) {
  char buf[256];
  uint64_t frozen = 0;
  bool v2 = cgroups.freezer->version == 2;
  SLOT_PATH(path, slot, v2 ? "cgroup.events" : "freezer.state");
  if (read_at(cgroups.freezer->dir, path.at, buf, sizeof buf) < 0) return -1;
  if (!v2) return strncmp(buf, on ? "FROZEN" : "THAWED", 6) == 0;
  return number_after(buf, "frozen", &frozen) && (frozen == 1) == on;
}

unsigned slot_left(unsigned slot) {
  struct hierarchy *h = cgroups.unified ? cgroups.unified : cgroups.memory ? cgroups.memory : cgroups.pids;
  char procs[4096];
  unsigned count = 0;
  if (!h) return 0;
  SLOT_PATH(path, slot, "cgroup.procs");
  if (read_at(h->dir, path.at, procs, sizeof procs) < 0) return errno == ENOENT ? 0 : 1;
  for (char *at = procs; (at = strchr(at, '\n')); at++) count++;
  return count;
}

void slot_reset_peak(unsigned slot) {
  if (cgroups.memory && cgroups.memory->version == 1) put_slot(cgroups.memory, slot, "memory.max_usage_in_bytes", 0);
}

static uint64_t memory_number(unsigned slot, const char *v1, const char *v2) {
  uint64_t n = 0;
  if (!cgroups.memory) return 0;
  SLOT_PATH(path, slot, cgroups.memory->version == 1 ? v1 : v2);
  return number_at(cgroups.memory->dir, path.at, &n) ? 0 : n;
}

uint64_t slot_peak(unsigned slot) {
  return memory_number(slot, "memory.max_usage_in_bytes", "memory.peak");
}

uint64_t slot_usage(unsigned slot) {
  return memory_number(slot, "memory.usage_in_bytes", "memory.current");
}

uint64_t slot_oom_kills(unsigned slot) {
  char buf[512];
  uint64_t n = 0;
  if (!cgroups.memory) return 0;
  SLOT_PATH(path, slot, cgroups.memory->version == 1 ? "memory.oom_control" : "memory.events");
  if (read_at(cgroups.memory->dir, path.at, buf, sizeof buf) < 0) return 0;
  number_after(buf, "oom_kill", &n);
  return n;
}

// Every v2 group has a cpu.stat, whoever holds the cpu controller; v1 counts only where cpuacct is mounted with cpu.
bool slot_cpu(unsigned slot, uint64_t *user_us, uint64_t *sys_us) {
  char buf[1024];
  *user_us = *sys_us = 0;
  if (cgroups.unified) {
    SLOT_PATH(path, slot, "cpu.stat");
    if (read_at(cgroups.unified->dir, path.at, buf, sizeof buf) < 0) return false;
    return number_after(buf, "user_usec", user_us) && number_after(buf, "system_usec", sys_us);
  }
  if (!cgroups.cpu) return false;
  SLOT_PATH(user, slot, "cpuacct.usage_user");
  SLOT_PATH(sys, slot, "cpuacct.usage_sys");
  if (number_at(cgroups.cpu->dir, user.at, user_us) || number_at(cgroups.cpu->dir, sys.at, sys_us)) return false;
  *user_us /= 1000;
  *sys_us /= 1000;
  return true;
}

bool slots_are_single_use(void) {
  return cgroups.memory && cgroups.memory->version == 2;
}

// Nothing is said of what is there and could not be read: whoever judges must not take that for an answer.
static void say_number(struct text *out, const char *key, bool there, bool known, uint64_t n) {
  if (there && !known) return;
  say(out, key);
  if (there) say_u64(out, n);
  else say(out, "none");
  say(out, "\n");
}

static bool get_slot(const struct hierarchy *h, unsigned slot, const char *file, uint64_t *n) {
  if (!h) return false;
  SLOT_PATH(path, slot, file);
  return number_at(h->dir, path.at, n) == 0;
}

static bool has_file(const struct hierarchy *h, unsigned slot, const char *file) {
  SLOT_PATH(path, slot, file);
  return faccessat(h->dir, path.at, F_OK, 0) == 0;
}

static void say_swap(unsigned slot, bool known, uint64_t memory, struct text *out) {
  uint64_t n = 0;
  if (cgroups.memory && cgroups.memory->version == 2 && has_file(cgroups.memory, slot, "memory.swap.max"))
    say_number(out, "swap=", true, get_slot(cgroups.memory, slot, "memory.swap.max", &n), n);
  else if (cgroups.memsw) {
    known = known && get_slot(cgroups.memory, slot, "memory.memsw.limit_in_bytes", &n);
    say_number(out, "swap=", true, known, n - memory);
  } else if (!cgroups.swap_on_host) say(out, "swap=-1\n");
  else say(out, "swap=none\n");
}

static bool cpu_millis(unsigned slot, uint64_t *millis) {
  uint64_t quota = 0, period = 0;
  if (!cgroups.cpu) return false;
  if (cgroups.cpu->version == 1) {
    if (!get_slot(cgroups.cpu, slot, "cpu.cfs_quota_us", &quota)) return false;
    if (!get_slot(cgroups.cpu, slot, "cpu.cfs_period_us", &period) || !period) return false;
  } else {
    char buf[64], *space;
    SLOT_PATH(path, slot, "cpu.max");
    if (read_at(cgroups.cpu->dir, path.at, buf, sizeof buf) < 0 || !(space = strchr(buf, ' '))) return false;
    if (!parse_u64(buf, &quota) || !parse_u64(space + 1, &period) || !period || quota == UINT64_MAX) return false;
  }
  *millis = quota * 1000 / period;
  return true;
}

void slot_say_limits(unsigned slot, struct text *out) {
  uint64_t memory = 0, millis = 0, pids = 0;
  bool v1 = cgroups.memory && cgroups.memory->version == 1;
  bool known = get_slot(cgroups.memory, slot, v1 ? "memory.limit_in_bytes" : "memory.max", &memory);
  say_number(out, "memory=", cgroups.memory, known, memory);
  say_swap(slot, known, memory, out);
  known = cpu_millis(slot, &millis);
  say_number(out, "cpu=", cgroups.cpu, known, millis);
  known = get_slot(cgroups.pids, slot, "pids.max", &pids);
  say_number(out, "pids=", cgroups.pids, known, pids);
}
