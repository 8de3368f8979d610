// The spawner's state: containers (boxes), their execs, and what the parts of it ask of each other.
#ifndef SPAWNER_H
#define SPAWNER_H
#include <stdbool.h>
#include <sys/types.h>

#include "block.h"
#include "frame.h"
#include "heap.h"
#include "journal.h"
#include "outbox.h"
#include "sys.h"
#include "volume.h"

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

enum event_kind { ON_LISTEN = 1, ON_CONTROL, ON_SIGNAL, ON_RELAYS, ON_BOX, ON_OUT, ON_ERR, ON_IN };

// How an exec ended, as its EXIT says it.
struct ending {
  enum how how;
  uint32_t code;
  uint64_t user_us, sys_us, peak_bytes, wall_us;
};

struct box;
struct exec;

struct stream {
  int fd; // -1 when ended
  int number;
  uint32_t crumbs;
  uint64_t kept, seen, late; // late: read after the command's end
  bool widened, watched;
  struct exec *exec;
  struct timer resume;
};

struct exec {
  uint32_t id, inner, generation; // inner: its number towards init
  struct box *box; // NULL: free
  struct exec *next;
  bool started, tty, final, timed_out, collect, in_watched, in_ended;
  bool orphan; // whose control plane is gone: nobody hears of it any more
  bool logged, windowed, ended, concluded, settled, oom;
  uint32_t out_cap, credit;
  uint64_t since, oom_before;
  struct stream out[2];
  struct ending ending;
  struct journal journal;
  uint32_t connection; // under which it was started
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
  char hostname[65], label[129];
  struct queue queue; // packets for init
  bool sock_full, announced, killed, freeze_wanted, reaped, kept;
  bool used; // something ran in it
  enum gone_reason reason;
  uint32_t error; // why a birth failed
  char stage[24];
  uint64_t oom_seen, user_us, sys_us, told_user_us, told_sys_us, peak, give_up;
  struct volume volume;
  struct exec *execs;
  uint32_t exec_count, last_inner;
  struct relay *relays;
  struct listener *listeners;
  uint32_t relay_count, listener_count;
  struct timer timer;
};

struct spawner {
  int proc, null, busy, calm, listener, dial, control, signals, home; // home: the directory of the control socket
  bool ranged, stopping, lift_oom, privileged, served; // served: somebody has been connected
  bool listed; // to who is connected now
  uint64_t nofile;
  uint32_t boxes, kept, connection;
};

extern struct spawner spawner;

// loop (spawner.c)
void watch(int fd, enum event_kind kind, uint32_t index, uint32_t generation, bool out, bool known);
void unwatch(int fd);
// Whether a connection comes from our own user or root.
bool is_known_peer(int fd);
void send_failed(uint32_t container, uint32_t exec, uint32_t error, const char *stage, const char *message);

// containers (box.c)
void boxes_open(void);
// Starts waiting births while there is room for them.
void boxes_begin(void);
struct box *box_find(uint32_t id);
struct box *box_at(uint32_t index, uint32_t generation);
// The one after `b` (NULL: the first), or NULL.
struct box *box_next(struct box *b);
void box_create(const struct frame *f);
void box_limit(struct box *b, const struct frame *f);
void box_destroy(struct box *b, enum gone_reason reason);
void box_reap(void);
void box_destroy_all(enum gone_reason reason);
uint64_t box_oom_kills(struct box *b);
// Init says that it is sealed: the seal is read and the container announced.
void box_sealed(struct box *b);
// Sends the seal as the kernel has it now; false when it cannot be read: `error` and `stage` say why.
bool box_say_seal(struct box *b, enum reply type);
// Remembers why a birth or a seal fails; the first reason counts.
void box_blame(struct box *b, uint32_t error, const char *stage);
void box_watch(struct box *b, bool out, bool known);

// freezing (freeze.c)
void box_freeze(struct box *b, bool on);

// what init hears and says (talk.c)
void talk_open(void);
void box_ready(struct box *b, uint32_t events);
// One report: true when there may be more.
bool box_hear(struct box *b);
// Sends a whole frame to a box's init, with descriptors that are closed once sent. 0, or an errno.
int box_tell(struct box *b, const char *bytes, uint32_t n, const int *fds, int fd_count);

// outliving the control connection (keep.c)
void box_keep(struct box *b, const struct frame *f);
void box_seal(struct box *b);
// The control connection is gone: only the kept ones stay, and in them only what is logged.
void boxes_part(void);
void boxes_list(void);

// execs (exec.c)
void execs_open(void);
void exec_start(struct box *b, const struct frame *f, char *bytes, uint32_t n);
void exec_collect(struct box *b, const struct frame *f, char *bytes, uint32_t n);
void exec_signal(struct box *b, const struct frame *f, char *bytes, uint32_t n);
void exec_grant(struct box *b, const struct frame *f);
struct exec *exec_find(struct box *b, uint32_t id);
struct exec *exec_by_inner(struct box *b, uint32_t inner);
struct exec *exec_at(uint32_t index, uint32_t generation);
void exec_watch(struct exec *x, int fd, enum event_kind kind);
void exec_started(struct exec *x, int master);
// It is told as soon as its output is; exec_finish waits for nothing, because its container is gone.
void exec_ended(struct exec *x, const struct ending *e);
void exec_finish(struct exec *x, const struct ending *e);
void exec_settled(struct exec *x);
// All of a logged command's output is in its file.
void exec_logged(struct exec *x, uint64_t bytes, bool dropped);
void exec_failed(struct exec *x, uint32_t error, const char *stage);
// Kills and forgets what nobody will hear of.
void execs_abandon(struct box *b);
// Tells the endings that nobody was there to hear.
void execs_tell(struct box *b);
// Their container is gone: what they wrote is put into their files; true while that goes on.
bool execs_conclude(struct box *b);

// a command's input and output (stream.c)
void streams_open(void);
void stream_open(struct exec *x, int number, int fd);
void streams_close(struct exec *x);
void streams_resume(struct exec *x);
// Reads what an ended command left; true when both streams are through.
bool streams_drain(struct exec *x, bool now);
void input_flush(struct exec *x);
void exec_stdin(struct box *b, const struct frame *f);
void exec_resize(struct box *b, const struct frame *f);
void exec_readable(struct exec *x, int stream);
void exec_writable(struct exec *x);

#endif
