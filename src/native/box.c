// One container as the spawner sees it: born into a slot, sealed, living, going, proved empty, gone.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "egress.h"
#include "ids.h"
#include "init.h"
#include "relay.h"
#include "seal.h"
#include "spawner.h"

enum {
  BUCKETS = 4096,
  BIRTH_LIMIT_US = 15000000,
  EMPTY_LIMIT_US = 10000000,
  LINGER_US = 50000,
  HASTEN_US = 100000,
  POLL_US = 2000,
  MAKER = 999, // of a slot's range, and nobody inside
  FILES_LIMIT = 4096,
  SEAL_MAX = 8192,
};

struct slot {
  struct limits limits; // what its directories say now; zeros when they were just made
  uint64_t user_us, sys_us, oom_kills; // of the containers before
  bool made, killed;
};

static struct box *boxes, *by_id[BUCKETS], *by_pid[BUCKETS], *waiting, **waiting_end = &waiting;
static struct slot *slots;
static uint32_t *free_boxes, *free_slots, free_box_count, free_slot_count, fresh_boxes, fresh_slots;
static bool windows[BIRTHS_MAX];
static int births;
// What a child needs, in memory that forks do copy.
static struct birth birth;

void boxes_open(void) {
  boxes = arena(BOXES_MAX * sizeof *boxes);
  slots = arena(BOXES_MAX * sizeof *slots);
  free_boxes = arena(BOXES_MAX * sizeof *free_boxes);
  free_slots = arena(BOXES_MAX * sizeof *free_slots);
}

// ---- tables ----

struct box *box_find(uint32_t id) {
  struct box *b = by_id[id % BUCKETS];
  while (b && b->id != id) b = b->next_id;
  return b;
}

struct box *box_at(uint32_t index, uint32_t generation) {
  struct box *b = index < fresh_boxes ? &boxes[index] : NULL;
  return b && b->state != BOX_FREE && b->generation == generation ? b : NULL;
}

struct box *box_next(struct box *b) {
  uint32_t i = b ? (uint32_t)(b - boxes) + 1 : 0;
  while (i < fresh_boxes && boxes[i].state == BOX_FREE) i++;
  return i < fresh_boxes ? &boxes[i] : NULL;
}

void box_watch(struct box *b, bool out, bool known) {
  watch(b->sock, ON_BOX, (uint32_t)(b - boxes), b->generation, out, known);
}

static struct box *take_box(uint32_t id) {
  if (!free_box_count && fresh_boxes == BOXES_MAX) return NULL;
  struct box *b = &boxes[free_box_count ? free_boxes[--free_box_count] : fresh_boxes++];
  uint32_t generation = (b->generation + 1) & 0xffffff;
  *b = (struct box){ .id = id, .generation = generation, .sock = -1, .window = -1, .slot = BOXES_MAX };
  b->next_id = by_id[id % BUCKETS];
  by_id[id % BUCKETS] = b;
  spawner.boxes++;
  return b;
}

static void unlink_id(struct box *b) {
  struct box **at = &by_id[b->id % BUCKETS];
  while (*at != b) at = &(*at)->next_id;
  *at = b->next_id;
}

static void unlink_pid(struct box *b) {
  struct box **at = &by_pid[(uint32_t)b->pid % BUCKETS];
  while (*at && *at != b) at = &(*at)->next_pid;
  if (*at) *at = b->next_pid;
}

static void close_window(struct box *b) {
  if (b->window < 0) return;
  dup3(spawner.null, LOW_END - BIRTHS_MAX + b->window, O_CLOEXEC);
  windows[b->window] = false;
  b->window = -1;
  births--;
}

static bool take_slot(struct box *b) {
  bool more = fresh_slots < BOXES_MAX && (!spawner.ranged || ids_reach(fresh_slots));
  if (!free_slot_count && !more) return false;
  b->slot = free_slot_count ? free_slots[--free_slot_count] : fresh_slots++;
  return true;
}

// A slot that could not be proved empty stays taken for ever.
static void give_slot(struct box *b, bool empty) {
  struct slot *s = &slots[b->slot];
  uint32_t slot = b->slot;
  if (slot == BOXES_MAX || !empty) return;
  b->slot = BOXES_MAX;
  // Charges that outlive their container (cached file pages) are no concern until they crowd the next one.
  uint64_t much = s->limits.memory / 4;
  bool crowded = s->made && b->peak > much && slot_usage(slot) > much;
  // Made anew, too, when somebody removed the directories under us, or after cgroup.kill: kernels since 6.14 kill on
  // sight what is later cloned into such a group, because clone3 compares the kill count of the wrong one.
  bool doubtful = s->killed || strncmp(b->stage, "cgroup.", 7) == 0;
  if (s->made && (slots_are_single_use() || crowded || doubtful)) {
    if (slot_remove(slot)) return;
    *s = (struct slot){ .made = false };
  }
  free_slots[free_slot_count++] = slot;
}

static void free_box(struct box *b, bool empty) {
  while (b->execs) exec_failed(b->execs, ESRCH, "exec");
  volume_drop(b);
  timer_clear(&b->timer);
  queue_clear(&b->queue);
  if (b->sock >= 0) close(b->sock);
  close_window(b);
  if (b->pid) unlink_pid(b);
  unlink_id(b);
  give_slot(b, empty);
  b->state = BOX_FREE;
  if (b->kept) spawner.kept--;
  free_boxes[free_box_count++] = (uint32_t)(b - boxes);
  spawner.boxes--;
}

// ---- birth ----

static const char *fix_of(const char *stage, uint32_t error) {
  if (error == ENOENT && strncmp(stage, "cgroup.", 7) == 0)
    return "a control group of ours was removed by somebody else; it is made anew for the next container";
  if (error == EBUSY && strcmp(stage, "cgroup.memory") == 0) return "more memory is in use than the new limit allows";
  bool making = strcmp(stage, "clone") == 0, unsharing = strcmp(stage, "namespaces") == 0;
  if (error == ENOSPC && (making || unsharing)) return "out of namespaces; raise user.max_*_namespaces (sysctl)";
  if (error == ENOSPC && strcmp(stage, "slot") == 0) return "out of slots or user ids; stop other spawners";
  if (error == EMFILE || error == ENFILE) return "out of file descriptors; raise the hard nofile limit of the server";
  if (error == EAGAIN && making) return "out of processes; raise kernel.pid_max or the unit's TasksMax";
  if (error == EPERM && making)
    return "user namespaces are refused; see `membrane probe` for which setting does it";
  return strerror((int)error);
}

static void send_birth_failure(const struct box *b) {
  send_failed(b->id, 0, b->error, b->stage, fix_of(b->stage, b->error));
}

void box_blame(struct box *b, uint32_t error, const char *stage) {
  if (b->stage[0]) return;
  struct text t = { b->stage, sizeof b->stage, 0, false };
  b->error = error;
  say(&t, stage);
}

static int write_map(const struct box *b, const char *file) {
  TEXT(path, 40);
  TEXT(map, 48);
  say_u64(&path, (uint64_t)b->pid);
  say(&path, file);
  if (spawner.ranged) {
    say(&map, "0 ");
    say_u64(&map, ids_of(b->slot));
    say(&map, " 65536\n");
  } else say(&map, "1000 0 1\n");
  return write_at(spawner.proc, path.at, map.at, map.len);
}

static const char *map_ids(const struct box *b) {
  TEXT(path, 40);
  say_u64(&path, (uint64_t)b->pid);
  say(&path, "/oom_score_adj");
  if (write_map(b, "/uid_map") || write_map(b, "/gid_map")) return "idmap";
  if (spawner.lift_oom && write_at(spawner.proc, path.at, "0", 1)) return "oom_score_adj";
  return NULL;
}

static int open_pair(struct box *b) {
  int pair[2], window = 0;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) return -1;
  while (windows[window]) window++;
  b->sock = pair[0];
  b->window = window;
  windows[window] = true;
  births++;
  int low = dup3(pair[1], LOW_END - BIRTHS_MAX + window, O_CLOEXEC);
  close(pair[1]);
  return low < 0 ? -1 : 0;
}

static void describe_birth(const struct box *b) {
  birth = (struct birth){ .sock = LOW_END - BIRTHS_MAX + b->window, .low_end = LOW_END, .slot = b->slot,
                          .tmp_bytes = b->tmp_bytes, .pids = b->limits.pids, .ranged = spawner.ranged };
  birth.limit_pids = !cgroups.pids;
  birth.nofile = spawner.nofile < FILES_LIMIT ? spawner.nofile : FILES_LIMIT;
  memcpy(birth.hostname, b->hostname, sizeof birth.hostname);
}

// The kernel charges what it counts by user (inotify, message queues, pending signals) to a user namespace's maker too:
// were that root, one tenant could use up the host's. A slot's directories belong to that user, which must enter them.
static void act_as(uint32_t uid) {
  if (!spawner.ranged) return;
  if (syscall(SYS_setresuid, uid, uid, -1)) die("setresuid: %s", strerror(errno));
}

static uint32_t maker_of(const struct box *b) {
  return ids_of(b->slot) + MAKER;
}

// The descriptor table is shared until the child cuts itself loose: a table of thousands is never copied.
static pid_t clone_init(struct box *b) {
  struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_FILES, .exit_signal = SIGCHLD };
  int group = slot_open_unified(b->slot);
  if (group >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (uint64_t)group;
  }
  describe_birth(b);
  act_as(maker_of(b));
  pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) init_main(&birth);
  int saved = errno;
  act_as(0);
  if (group >= 0) close(group);
  errno = saved;
  return pid;
}

static const char *prepare_slot(struct box *b) {
  struct slot *s = &slots[b->slot];
  if (!s->made) {
    act_as(maker_of(b));
    const char *stage = slot_make(b->slot);
    int saved = errno;
    act_as(0);
    errno = saved;
    if (stage) return stage;
    *s = (struct slot){ .made = true };
  }
  const char *stage = slot_limit(b->slot, &s->limits, &b->limits);
  // What a half-done change left is unknown: zeros make the next one write everything.
  s->limits = stage ? (struct limits){ 0, 0, 0 } : b->limits;
  if (stage) return stage;
  slot_reset_peak(b->slot);
  b->oom_seen = s->oom_kills;
  return NULL;
}

static void birth_late(void *owner) {
  struct box *b = owner;
  box_blame(b, ETIMEDOUT, "birth");
  box_destroy(b, GONE_INIT);
}

static const char *bear(struct box *b) {
  if (!take_slot(b)) {
    errno = ENOSPC;
    return "slot";
  }
  const char *stage = prepare_slot(b);
  if (stage) return stage;
  if (open_pair(b)) return "socket";
  b->pid = clone_init(b);
  if (b->pid < 0) {
    b->pid = 0;
    return "clone";
  }
  b->next_pid = by_pid[(uint32_t)b->pid % BUCKETS];
  by_pid[(uint32_t)b->pid % BUCKETS] = b;
  b->state = BOX_BORN;
  box_watch(b, false, false);
  timer_set(&b->timer, now_us() + BIRTH_LIMIT_US, birth_late, b);
  stage = map_ids(b);
  if (!stage && send(b->sock, "g", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) stage = "socket";
  return stage;
}

static void begin(struct box *b) {
  const char *stage = bear(b);
  if (!stage) return;
  box_blame(b, (uint32_t)errno, stage);
  if (b->pid) {
    box_destroy(b, GONE_INIT); // it is told of when it is reaped
    return;
  }
  send_birth_failure(b);
  free_box(b, true);
}

void boxes_begin(void) {
  while (waiting && births < BIRTHS_MAX && !spawner.stopping) {
    struct box *b = waiting;
    waiting = b->next_waiting;
    if (!waiting) waiting_end = &waiting;
    begin(b);
  }
}

static const char *refuse_create(const struct frame *f, uint32_t *error) {
  *error = EEXIST;
  if (box_find(f->container)) return "that container exists";
  *error = EINVAL;
  if (f->hostname.len == 0 || f->hostname.len > 63) return "hostname must have 1 to 63 bytes";
  for (uint32_t i = 0; i < f->hostname.len; i++) {
    char c = f->hostname.at[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!plain) return "hostname must be letters, digits, - and .";
  }
  if (f->tmp_bytes < (1 << 16) || f->tmp_bytes > 1ull << 40) return "tmp_bytes must be from 64 KiB to 1 TiB";
  return NULL;
}

static const char *refuse_limits(const struct limits *l) {
  if (l->memory < 4 << 20 || l->memory > 1ull << 46) return "memory_bytes must be from 4 MiB to 64 TiB";
  if (l->cpu < 10 || l->cpu > 1024000) return "cpu_millis must be from 10 to 1024000";
  if (l->pids < 2 || l->pids > 1 << 20) return "pids must be from 2 to 1048576";
  return NULL;
}

void box_create(const struct frame *f) {
  uint32_t error;
  const char *why = refuse_create(f, &error);
  if (!why) why = refuse_limits(&f->limits);
  struct box *b = why ? NULL : take_box(f->container);
  if (!b) {
    send_failed(f->container, 0, why ? error : ENOSPC, "create", why ? why : "too many containers");
    return;
  }
  b->limits = f->limits;
  b->tmp_bytes = f->tmp_bytes;
  memcpy(b->hostname, f->hostname.at, f->hostname.len);
  b->state = BOX_WAITING;
  *waiting_end = b;
  waiting_end = &b->next_waiting;
  boxes_begin();
}

// ---- the seal ----

bool box_say_seal(struct box *b, enum reply type) {
  TEXT(seal, SEAL_MAX);
  const char *stage;
  if (seal_read(spawner.proc, b->pid, b->slot, &seal, &stage)) {
    box_blame(b, (uint32_t)errno, stage);
    return false;
  }
  out_begin(type, b->id);
  out_str(seal.at);
  out_end();
  return true;
}

void box_sealed(struct box *b) {
  close_window(b);
  timer_clear(&b->timer);
  if (!box_say_seal(b, R_CREATED)) {
    box_destroy(b, GONE_INIT);
    return;
  }
  b->state = BOX_LIVE;
  b->announced = true;
}

void box_limit(struct box *b, const struct frame *f) {
  const char *why = refuse_limits(&f->limits);
  struct slot *s = &slots[b->slot];
  if (why || (b->state != BOX_LIVE && b->state != BOX_FROZEN)) {
    send_failed(b->id, 0, why ? EINVAL : ESRCH, "limit", why ? why : "the container is not running");
    return;
  }
  const char *stage = slot_limit(b->slot, &s->limits, &f->limits);
  uint32_t error = (uint32_t)errno;
  s->limits = stage ? (struct limits){ 0, 0, 0 } : f->limits;
  if (stage) {
    send_failed(b->id, 0, error, stage, fix_of(stage, error));
    return;
  }
  b->limits = f->limits;
  if (box_say_seal(b, R_LIMITED)) return;
  send_failed(b->id, 0, b->error, b->stage, strerror((int)b->error));
  b->stage[0] = 0;
}

uint64_t box_oom_kills(struct box *b) {
  return slots[b->slot].oom_kills = slot_oom_kills(b->slot);
}

// ---- the end ----

static void send_gone(struct box *b, uint32_t left) {
  if (!b->announced && b->stage[0] && b->reason != GONE_ASKED) {
    send_birth_failure(b);
    return;
  }
  out_begin(R_GONE, b->id);
  out_u8((uint8_t)b->reason);
  out_u64(b->user_us + b->sys_us);
  out_u64(b->peak);
  out_u32(left);
  out_end();
}

// What the container used beyond the execs that ended before it is what the killed ones used.
static void finish_execs(struct box *b) {
  uint64_t user = b->user_us > b->told_user_us ? b->user_us - b->told_user_us : 0;
  uint64_t sys = b->sys_us > b->told_sys_us ? b->sys_us - b->told_sys_us : 0;
  while (b->execs) {
    struct exec *x = b->execs;
    bool late = x->timed_out;
    struct ending e = { late ? HOW_TIMED_OUT : HOW_GONE, late ? SIGKILL : 0, user, sys, b->peak, now_us() - x->since };
    exec_finish(x, &e);
  }
}

static void kill_again(struct box *b) {
  slots[b->slot].killed = true;
  slot_kill(b->slot);
}

// Every process is reaped when init is; the control group says so too before anybody hears of it.
static void prove_empty(void *owner) {
  struct box *b = owner;
  unsigned left = b->reaped ? slot_left(b->slot) : 1;
  bool helped = (b->reaped && execs_conclude(b)) || b->volume.helper.pid;
  if ((left || helped) && now_us() < b->give_up) {
    // The last of the reaped may still be leaving the group: only what stays is killed once more.
    if (left && now_us() > b->give_up - EMPTY_LIMIT_US + LINGER_US) kill_again(b);
    timer_set(&b->timer, now_us() + POLL_US, prove_empty, b);
    return;
  }
  finish_execs(b);
  send_gone(b, left);
  free_box(b, left == 0 && !helped);
}

// Init must run to take its namespace down, and a tenant's busy processes may not let it: they go first.
static void hasten(void *owner) {
  struct box *b = owner;
  if (now_us() >= b->give_up) {
    prove_empty(b);
    return;
  }
  kill_again(b);
  timer_set(&b->timer, now_us() + HASTEN_US, hasten, b);
}

static void leave_waiting(struct box *b) {
  struct box **at = &waiting;
  while (*at != b) at = &(*at)->next_waiting;
  *at = b->next_waiting;
  if (waiting_end == &b->next_waiting) waiting_end = at;
  send_gone(b, 0);
  free_box(b, true);
}

// Sockets of its network would keep that alive.
static void close_ways(struct box *b) {
  egress_end(b);
  relays_end(b);
}

void box_destroy(struct box *b, enum gone_reason reason) {
  if (b->state == BOX_GOING || b->state == BOX_LEAVING) return;
  bool frozen = b->freeze_wanted;
  b->reason = reason;
  if (b->state == BOX_WAITING) {
    leave_waiting(b);
    return;
  }
  b->state = BOX_GOING;
  b->killed = true;
  b->give_up = now_us() + EMPTY_LIMIT_US;
  queue_clear(&b->queue);
  close_ways(b);
  helper_kill(&b->volume.helper);
  kill(b->pid, SIGKILL);
  // A process in v1's freezer dies only when it thaws.
  if (frozen) slot_freeze(b->slot, false);
  timer_set(&b->timer, now_us() + HASTEN_US, hasten, b);
}

void box_destroy_all(enum gone_reason reason) {
  for (struct box *b = box_next(NULL); b; b = box_next(b)) box_destroy(b, reason);
}

static uint64_t micros(const struct timeval *t) {
  return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

// The kernel reaps what a dying pid namespace kills without adding it up, so the control group is asked first.
static void count_cpu(struct box *b, const struct rusage *used) {
  struct slot *s = &slots[b->slot];
  uint64_t user, sys;
  b->user_us = micros(&used->ru_utime);
  b->sys_us = micros(&used->ru_stime);
  if (!slot_cpu(b->slot, &user, &sys)) return;
  b->user_us = user - s->user_us;
  b->sys_us = sys - s->sys_us;
  s->user_us = user;
  s->sys_us = sys;
}

static void on_death(struct box *b, const struct rusage *used) {
  count_cpu(b, used);
  b->peak = slot_peak(b->slot);
  if (!b->peak) b->peak = (uint64_t)used->ru_maxrss * 1024;
  // Its number may be somebody else's from here on.
  unlink_pid(b);
  b->pid = 0;
  b->state = BOX_LEAVING;
  // What init said before it died comes first.
  while (box_hear(b)) continue;
  b->give_up = now_us() + EMPTY_LIMIT_US;
  if (!b->killed) {
    slots[b->slot].killed = true; // by somebody else, and who knows how
    b->reason = box_oom_kills(b) > b->oom_seen ? GONE_OOM : GONE_INIT;
    if (!b->announced) box_blame(b, ECHILD, "birth");
  }
  close_ways(b);
  helper_kill(&b->volume.helper);
  b->killed = true;
  b->reaped = true;
  timer_clear(&b->timer);
  prove_empty(b);
}

void box_reap(void) {
  struct rusage used;
  int status;
  pid_t pid;
  while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
    struct box *b = by_pid[(uint32_t)pid % BUCKETS];
    while (b && b->pid != pid) b = b->next_pid;
    if (b) on_death(b, &used);
    else helper_reaped(pid);
  }
}
