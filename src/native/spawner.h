// The spawner's state: containers (boxes), their execs, and what the parts of it ask of each other.
#ifndef SPAWNER_H
#define SPAWNER_H
#include <stdbool.h>
#include <sys/types.h>

#include "block.h"
#include "frame.h"
#include "heap.h"
#include "outbox.h"
#include "sys.h"

enum {
  BOXES_MAX = 4096,
  EXECS_MAX = 8192,
  EXECS_A_BOX = 64,
  BIRTHS_MAX = 16, // containers being made at once: each holds one of the low descriptors
  LOW_END = 48,    // descriptors from here on never reach a container's init
};

enum box_state { BOX_FREE, BOX_WAITING, BOX_BORN, BOX_LIVE, BOX_FROZEN, BOX_GOING, BOX_LEAVING };

enum gone_reason { GONE_ASKED, GONE_INIT, GONE_TIMEOUT, GONE_OOM, GONE_SHUTDOWN };

enum how { HOW_EXITED, HOW_SIGNALLED, HOW_TIMED_OUT, HOW_GONE };

enum event_kind { ON_LISTEN = 1, ON_CONTROL, ON_SIGNAL, ON_BOX, ON_OUT, ON_ERR, ON_IN };

// How an exec ended, as its EXIT says it.
struct ending {
  enum how how;
  uint32_t code;
  uint64_t user_us, sys_us, peak_bytes, wall_us;
};

struct stream {
  int fd; // -1 when ended
  uint32_t kept, crumbs;
  uint64_t seen;
  bool widened;
  struct timer resume;
};

struct box;

struct exec {
  uint32_t id, generation;
  struct box *box; // NULL: free
  struct exec *next;
  bool started, tty, final, timed_out, collect, in_watched, in_ended;
  uint32_t out_cap;
  uint64_t since, oom_before;
  struct stream out[2];
  int in;
  struct queue stdin_queue;
  struct timer deadline;
};

struct box {
  uint32_t id, generation, slot;
  enum box_state state;
  pid_t pid;
  int sock, window;
  struct box *next_id, *next_pid, *next_waiting;
  struct limits limits;
  uint64_t tmp_bytes;
  char hostname[65];
  struct queue queue; // packets for init
  bool sock_full, announced, killed, freeze_wanted, reaped;
  enum gone_reason reason;
  uint32_t error; // why a birth failed
  char stage[24];
  uint64_t oom_seen, user_us, sys_us, told_user_us, told_sys_us, peak, give_up;
  struct exec *execs;
  uint32_t exec_count;
  struct timer timer;
};

struct spawner {
  int proc, null, busy, calm, listener, control, signals;
  bool ranged, stopping, lift_oom, privileged;
  uint64_t nofile;
  uint32_t boxes;
};

extern struct spawner spawner;

// loop (spawner.c)
void watch(int fd, enum event_kind kind, uint32_t index, uint32_t generation, bool out, bool known);
void unwatch(int fd);
void send_failed(uint32_t container, uint32_t exec, uint32_t error, const char *stage, const char *message);

// containers (box.c)
void boxes_open(void);
// Starts waiting births while there is room for them.
void boxes_begin(void);
struct box *box_find(uint32_t id);
struct box *box_at(uint32_t index, uint32_t generation);
void box_create(const struct frame *f);
void box_limit(struct box *b, const struct frame *f);
void box_freeze(struct box *b, bool on);
void box_destroy(struct box *b, enum gone_reason reason);
void box_list(void);
void box_ready(struct box *b, uint32_t events);
void box_reap(void);
void box_destroy_all(enum gone_reason reason);
// Sends a whole frame to a box's init, with descriptors that are closed once sent. 0, or an errno.
int box_tell(struct box *b, const char *bytes, uint32_t n, const int *fds, int fd_count);
uint64_t box_oom_kills(struct box *b);

// execs (exec.c)
void execs_open(void);
void exec_start(struct box *b, const struct frame *f, const char *bytes, uint32_t n);
void exec_collect(struct box *b, const struct frame *f, const char *bytes, uint32_t n);
void exec_stdin(struct box *b, const struct frame *f);
void exec_resize(struct box *b, const struct frame *f);
struct exec *exec_find(struct box *b, uint32_t id);
struct exec *exec_at(uint32_t index, uint32_t generation);
void exec_started(struct exec *x, int master);
void exec_ended(struct exec *x, const struct ending *e);
void exec_failed(struct exec *x, uint32_t error, const char *stage);
void exec_readable(struct exec *x, int stream);
void exec_writable(struct exec *x);

#endif
