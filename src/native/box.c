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
#include "ids.h"
#include "init.h"
#include "link.h"
#include "seal.h"
#include "spawner.h"

enum {
  BUCKETS = 4096,
  QUEUE_BYTES_MAX = 16 << 20,
  BIRTH_LIMIT_US = 15000000,
  EMPTY_LIMIT_US = 10000000,
  LINGER_US = 50000,
  FREEZE_LIMIT_US = 5000000,
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
static char *packet;
// What a child needs, in memory that forks do copy.
static struct birth birth;

enum { INCOMING_MAX = PACKET_MAX + 64 };

void boxes_open(void) {
  boxes = arena(BOXES_MAX * sizeof *boxes);
  slots = arena(BOXES_MAX * sizeof *slots);
  free_boxes = arena(BOXES_MAX * sizeof *free_boxes);
  free_slots = arena(BOXES_MAX * sizeof *free_slots);
  packet = arena(INCOMING_MAX);
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
  timer_clear(&b->timer);
  queue_clear(&b->queue);
  if (b->sock >= 0) close(b->sock);
  close_window(b);
  if (b->pid) unlink_pid(b);
  unlink_id(b);
  give_slot(b, empty);
  b->state = BOX_FREE;
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

static void note_failure(struct box *b, uint32_t error, const char *stage) {
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
  note_failure(b, ETIMEDOUT, "birth");
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
  watch(b->sock, ON_BOX, (uint32_t)(b - boxes), b->generation, false, false);
  timer_set(&b->timer, now_us() + BIRTH_LIMIT_US, birth_late, b);
  stage = map_ids(b);
  if (!stage && send(b->sock, "g", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) stage = "socket";
  return stage;
}

static void begin(struct box *b) {
  const char *stage = bear(b);
  if (!stage) return;
  note_failure(b, (uint32_t)errno, stage);
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

static bool say_seal(struct box *b, enum reply type) {
  TEXT(seal, SEAL_MAX);
  const char *stage;
  if (seal_read(spawner.proc, b->pid, b->slot, &seal, &stage)) {
    note_failure(b, (uint32_t)errno, stage);
    return false;
  }
  out_begin(type, b->id);
  out_str(seal.at);
  out_end();
  return true;
}

static void on_ready(struct box *b) {
  close_window(b);
  timer_clear(&b->timer);
  if (!say_seal(b, R_CREATED)) {
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
  if (say_seal(b, R_LIMITED)) return;
  send_failed(b->id, 0, b->error, b->stage, strerror((int)b->error));
  b->stage[0] = 0;
}

// ---- talking to init ----

static int send_packet(struct box *b, struct block *p) {
  union {
    char bytes[CMSG_SPACE(3 * sizeof(int))];
    struct cmsghdr align;
  } control = { { 0 } };
  struct iovec io = { p->bytes, p->len };
  struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
  size_t fds = (size_t)p->fd_count * sizeof(int);
  if (fds) {
    m.msg_control = control.bytes;
    m.msg_controllen = CMSG_SPACE(fds);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(fds) };
    memcpy(CMSG_DATA(c), p->fds, fds);
  }
  return sendmsg(b->sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno : 0;
}

static void flush_box(struct box *b) {
  int error = 0;
  while (b->queue.first && (error = send_packet(b, b->queue.first)) != EAGAIN) {
    b->queue.bytes -= b->queue.first->len;
    queue_pop(&b->queue); // another error means that init is dead, which its end will tell
  }
  bool full = b->queue.first;
  if (full != b->sock_full) watch(b->sock, ON_BOX, (uint32_t)(b - boxes), b->generation, full, true);
  b->sock_full = full;
}

int box_tell(struct box *b, const char *bytes, uint32_t n, const int *fds, int fd_count) {
  if (b->queue.bytes + n > QUEUE_BYTES_MAX) goto refuse;
  for (uint32_t at = 0; at < n || at == 0; at += PACKET_MAX) {
    uint32_t size = n - at < PACKET_MAX ? n - at : PACKET_MAX;
    struct block *p = queue_push(&b->queue);
    if (!p && at == 0) goto refuse;
    if (!p) {
      box_destroy(b, GONE_INIT); // half a frame is on its way: what init would make of the next is not known
      return ENOBUFS;
    }
    struct piece head = { n, at };
    memcpy(p->bytes, &head, sizeof head);
    memcpy(p->bytes + sizeof head, bytes + at, size);
    p->len = size + (uint32_t)sizeof head;
    b->queue.bytes += p->len;
    for (int i = 0; at == 0 && i < fd_count; i++) p->fds[p->fd_count++] = fds[i];
  }
  flush_box(b);
  return 0;
refuse:
  for (int i = 0; i < fd_count; i++) close(fds[i]);
  return ENOBUFS;
}

// The payload of a FILE frame, checked before it is passed on: exec, path, mode, size, last.
static void pass_file(struct box *b, const struct report *r, const char *bytes, size_t n) {
  struct exec *x = exec_find(b, r->exec);
  uint32_t exec = 0, path = 0;
  if (n >= 8) {
    memcpy(&exec, bytes, 4);
    memcpy(&path, bytes + 4, 4);
  }
  if (!x || !x->collect || exec != x->id || n < 21 || path > n - 21 || path > PATH_LENGTH_MAX) return;
  if (memchr(bytes + 8, 0, path) || !is_utf8(bytes + 8, path)) return;
  out_begin(R_FILE, b->id);
  out_bytes(bytes, n);
  out_end();
}

static void on_failed(struct box *b, const struct report *r) {
  char stage[sizeof r->stage + 1] = { 0 };
  memcpy(stage, r->stage, sizeof r->stage);
  if (!b->announced) {
    note_failure(b, r->error, stage);
    return;
  }
  struct exec *x = r->exec ? exec_find(b, r->exec) : NULL;
  if (x) exec_failed(x, r->error, stage);
  else if (!r->exec) send_failed(b->id, 0, r->error, stage, strerror((int)r->error));
}

static void count_ended(struct box *b, const struct report *r) {
  b->told_user_us += r->user_us;
  b->told_sys_us += r->sys_us;
}

static void on_report(struct box *b, const struct report *r, size_t n, int fd) {
  struct exec *x = exec_find(b, r->exec);
  enum how how = r->how ? HOW_SIGNALLED : HOW_EXITED;
  struct ending ending = { how, r->code, r->user_us, r->sys_us, r->peak_bytes, r->wall_us };
  switch (r->kind) {
    case REPORT_READY:
      if (b->state == BOX_BORN) on_ready(b);
      break;
    case REPORT_FAILED: on_failed(b, r); break;
    case REPORT_STARTED:
      if (x && !x->started) {
        exec_started(x, fd);
        return;
      }
      break;
    case REPORT_ENDED:
      if (!x) break;
      count_ended(b, r);
      exec_ended(x, &ending);
      break;
    case REPORT_FILE: pass_file(b, r, (const char *)(r + 1), n - sizeof *r); break;
  }
  if (fd >= 0) close(fd);
}

static int passed_descriptor(struct msghdr *m) {
  struct cmsghdr *c = CMSG_FIRSTHDR(m);
  int fd = -1;
  if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(c), sizeof fd);
  return fd;
}

// One report: true when there may be more.
static bool hear(struct box *b) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec io = { packet, INCOMING_MAX };
  struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control };
  ssize_t n = recvmsg(b->sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n < (ssize_t)sizeof(struct report)) {
    unwatch(b->sock); // its end: the rest is told by SIGCHLD
    return false;
  }
  on_report(b, (struct report *)(void *)packet, (size_t)n, passed_descriptor(&m));
  return true;
}

void box_ready(struct box *b, uint32_t events) {
  uint32_t generation = b->generation;
  if (events & 4) flush_box(b); // EPOLLOUT
  for (int i = 0; i < 4 && !outbox_high() && b->generation == generation && b->sock >= 0; i++)
    if (!hear(b)) return;
}

uint64_t box_oom_kills(struct box *b) {
  return slots[b->slot].oom_kills = slot_oom_kills(b->slot);
}

// ---- freezing ----

static void freeze_poll(void *owner) {
  struct box *b = owner;
  bool on = b->freeze_wanted;
  int there = slot_frozen(b->slot, on);
  if (there > 0) {
    b->state = on ? BOX_FROZEN : BOX_LIVE;
    out_begin(on ? R_FROZEN : R_THAWED, b->id);
    out_end();
    return;
  }
  if (there < 0 || now_us() > b->give_up) {
    uint32_t error = there < 0 ? (uint32_t)errno : ETIMEDOUT;
    if (on) slot_freeze(b->slot, false);
    send_failed(b->id, 0, error, "cgroup.freezer", strerror((int)error));
    return;
  }
  timer_set(&b->timer, now_us() + POLL_US, freeze_poll, b);
}

void box_freeze(struct box *b, bool on) {
  if (b->state != BOX_LIVE && b->state != BOX_FROZEN) {
    send_failed(b->id, 0, ESRCH, "cgroup.freezer", "the container is not running");
    return;
  }
  if (b->timer.place) {
    send_failed(b->id, 0, EALREADY, "cgroup.freezer", "a freeze or thaw is under way");
    return;
  }
  if (slot_freeze(b->slot, on)) {
    uint32_t error = (uint32_t)errno;
    bool none = error == ENOTSUP;
    const char *why = none ? "no freezer; run as root, or in a unit with Delegate=yes" : strerror((int)error);
    send_failed(b->id, 0, error, "cgroup.freezer", why);
    return;
  }
  b->freeze_wanted = on;
  b->give_up = now_us() + FREEZE_LIMIT_US;
  freeze_poll(b);
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
    x->final = false;
    struct ending e = { late ? HOW_TIMED_OUT : HOW_GONE, late ? SIGKILL : 0, user, sys, b->peak, now_us() - x->since };
    exec_ended(x, &e);
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
  if (left && now_us() < b->give_up) {
    // The last of the reaped may still be leaving the group: only what stays is killed once more.
    if (now_us() > b->give_up - EMPTY_LIMIT_US + LINGER_US) kill_again(b);
    timer_set(&b->timer, now_us() + POLL_US, prove_empty, b);
    return;
  }
  finish_execs(b);
  send_gone(b, left);
  free_box(b, left == 0);
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
  kill(b->pid, SIGKILL);
  // A process in v1's freezer dies only when it thaws.
  if (frozen) slot_freeze(b->slot, false);
  timer_set(&b->timer, now_us() + HASTEN_US, hasten, b);
}

void box_destroy_all(enum gone_reason reason) {
  for (uint32_t i = 0; i < fresh_boxes; i++)
    if (boxes[i].state != BOX_FREE) box_destroy(&boxes[i], reason);
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
  while (hear(b)) continue;
  b->give_up = now_us() + EMPTY_LIMIT_US;
  if (!b->killed) {
    slots[b->slot].killed = true; // by somebody else, and who knows how
    b->reason = box_oom_kills(b) > b->oom_seen ? GONE_OOM : GONE_INIT;
    if (!b->announced) note_failure(b, ECHILD, "birth");
  }
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
  }
}

void box_list(void) {
  static const uint8_t shown[] = { 0, 0, 0, 1, 2, 3, 3 };
  out_begin(R_LISTING, 0);
  out_u32(spawner.boxes);
  for (uint32_t i = 0; i < fresh_boxes; i++) {
    if (boxes[i].state == BOX_FREE) continue;
    out_u32(boxes[i].id);
    out_u8(shown[boxes[i].state]);
  }
  out_end();
}
