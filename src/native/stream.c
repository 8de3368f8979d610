// What goes into a command and what comes out of it, as fast as both sides take it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "spawner.h"

enum {
  STDIN_MAX = 1 << 20,
  PAUSE_US = 5000,       // what is over the cap is read at most this often…
  FLOOD_MAX = 1 << 20,   // …and this much at a time, so that a flood costs little
  DRAIN_MAX = 2 << 20,
  CRUMB = 512,           // a read below this is a small one;
  CRUMBS_FREE = 256,     // so many are taken at once, every further one…
  CRUMB_PAUSE_US = 2000, // …is followed by this: one byte a time costs us, and the control plane, more than the tenant
  OUT_HEAD = FRAME_HEAD + 4 + 1,
};

static char *scratch;

void streams_open(void) {
  scratch = arena(OUT_MAX);
}

// ---- standard input ----

static void close_stdin(struct exec *x) {
  if (x->in >= 0) close(x->in);
  x->in = -1;
  queue_clear(&x->stdin_queue);
}

// Credit: so many bytes have left our buffer, into the tenant's hands or into nothing.
static void give_room(struct exec *x, uint32_t bytes) {
  if (!bytes) return;
  out_begin(R_ROOM, x->box->id);
  out_u32(x->id);
  out_u32(bytes);
  out_end();
}

static void drop_stdin(struct exec *x) {
  x->stdin_queue.bytes = 0;
  close_stdin(x);
}

static void write_stdin(struct exec *x) {
  while (x->in >= 0 && x->stdin_queue.first) {
    struct block *b = x->stdin_queue.first;
    ssize_t n = write(x->in, b->bytes + b->at, b->len - b->at);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {
      drop_stdin(x); // nobody reads it any more
      return;
    }
    b->at += (uint32_t)n;
    x->stdin_queue.bytes -= (uint32_t)n;
    if (b->at == b->len) queue_pop(&x->stdin_queue);
  }
}

// A pipe's end of input is its closing, a terminal's a character that goes on being typed after.
static void end_stdin(struct exec *x) {
  static const char end_of_transmission = 4;
  if (!x->tty) close_stdin(x);
  else if (write(x->in, &end_of_transmission, 1) == 1) x->in_ended = false;
}

void input_flush(struct exec *x) {
  uint32_t before = x->stdin_queue.bytes;
  write_stdin(x);
  give_room(x, before - x->stdin_queue.bytes);
  if (x->in < 0) return;
  bool full = x->stdin_queue.first;
  if (full && !x->in_watched) exec_watch(x, x->in, ON_IN);
  if (!full && x->in_watched) unwatch(x->in);
  x->in_watched = full;
  if (!full && x->in_ended) end_stdin(x);
}

static bool queue_stdin(struct exec *x, const char *bytes, uint32_t n) {
  if (x->stdin_queue.bytes + n > STDIN_MAX || blocks_left() < n / PACKET_MAX + 1) return false;
  for (uint32_t take; n; bytes += take, n -= take) {
    struct block *b = x->stdin_queue.last;
    if (!b || b->len == PACKET_MAX) b = queue_push(&x->stdin_queue);
    if (!b) return false;
    take = PACKET_MAX - b->len < n ? PACKET_MAX - b->len : n;
    memcpy(b->bytes + b->len, bytes, take);
    b->len += take;
    x->stdin_queue.bytes += take;
  }
  return true;
}

void exec_stdin(struct box *b, const struct frame *f) {
  struct exec *x = exec_find(b, f->exec);
  if (!x) return; // it has ended, as its EXIT says
  // It reads nothing, or no longer: bytes to nowhere. A terminal's may come before the terminal does.
  if ((x->in_ended && !x->tty) || (x->in < 0 && !(x->tty && !x->started))) {
    give_room(x, f->size);
    return;
  }
  if (!f->size) x->in_ended = true;
  else if (!queue_stdin(x, f->bytes, f->size)) send_failed(b->id, x->id, ENOBUFS, "stdin", "stdin full");
  input_flush(x);
}

void exec_writable(struct exec *x) {
  input_flush(x);
}

void exec_resize(struct box *b, const struct frame *f) {
  struct exec *x = exec_find(b, f->exec);
  struct winsize size = { .ws_row = f->rows, .ws_col = f->cols };
  if (x && x->tty && x->out[0].fd >= 0) ioctl(x->out[0].fd, TIOCSWINSZ, &size);
}

// ---- output ----

static void resume_stream(void *owner);

static bool is_held(const struct exec *x) {
  return x->windowed && x->credit == 0;
}

static void tune(struct stream *s) {
  bool wanted = s->fd >= 0 && !s->resume.place && !is_held(s->exec);
  if (wanted == s->watched) return;
  s->watched = wanted;
  if (wanted) exec_watch(s->exec, s->fd, s->number == 0 ? ON_OUT : ON_ERR);
  else unwatch(s->fd);
}

void stream_open(struct exec *x, int number, int fd) {
  x->out[number].fd = fd;
  tune(&x->out[number]);
}

static void close_stream(struct stream *s) {
  timer_clear(&s->resume);
  if (s->watched) unwatch(s->fd);
  s->watched = false;
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
}

void streams_close(struct exec *x) {
  for (int i = 0; i < 2; i++) close_stream(&x->out[i]);
  close_stdin(x);
}

static uint32_t room_of(const struct stream *s) {
  const struct exec *x = s->exec;
  if (outbox_full()) return 0;
  uint64_t room = x->windowed ? x->credit : x->out_cap - s->kept;
  return room < OUT_MAX ? (uint32_t)room : OUT_MAX;
}

static ssize_t keep(struct stream *s, uint32_t room) {
  struct exec *x = s->exec;
  char *at = out_room(OUT_HEAD + OUT_MAX);
  if (!at) return 0;
  ssize_t n = read(s->fd, at + OUT_HEAD, room);
  if (n <= 0) return n;
  // Read first, then head it: the bytes already lie where the frame wants them.
  out_begin(R_OUT, x->box->id);
  out_u32(x->id);
  out_u8((uint8_t)(s->number + 1));
  out_claim((size_t)n);
  out_end();
  s->kept += (uint64_t)n;
  if (x->windowed) x->credit -= (uint32_t)n;
  return n;
}

// One read: true when there may be more.
static bool read_stream(struct stream *s) {
  uint32_t room = room_of(s);
  ssize_t n = room ? keep(s, room) : read(s->fd, scratch, OUT_MAX);
  if (n > 0) s->seen += (uint64_t)n;
  else if (n == 0 || (errno != EAGAIN && errno != EINTR)) close_stream(s);
  return n > 0;
}

static void pause_stream(struct stream *s, uint64_t us) {
  timer_set(&s->resume, now_us() + us, resume_stream, s);
  tune(s);
}

static void take_crumbs(struct stream *s) {
  uint64_t from = s->seen;
  read_stream(s);
  if (s->fd < 0 || s->seen - from >= CRUMB) return;
  if (s->crumbs == CRUMBS_FREE) pause_stream(s, CRUMB_PAUSE_US);
  else s->crumbs++;
}

static void drop_flood(struct stream *s) {
  uint64_t from = s->seen;
  if (!s->widened && !s->exec->tty) fcntl(s->fd, F_SETPIPE_SZ, FLOOD_MAX); // fewer, larger reads
  s->widened = true;
  while (s->fd >= 0 && s->seen - from < FLOOD_MAX && read_stream(s)) continue;
  if (s->fd >= 0) pause_stream(s, PAUSE_US);
}

void streams_resume(struct exec *x) {
  if (!x->ended) {
    for (int i = 0; i < 2; i++) tune(&x->out[i]);
  } else if (streams_drain(x, false)) exec_settled(x);
}

static void resume_stream(void *owner) {
  struct stream *s = owner;
  streams_resume(s->exec);
}

void exec_readable(struct exec *x, int which) {
  struct stream *s = &x->out[which];
  if (s->fd < 0) return;
  if (x->ended) streams_resume(x);
  else if (x->windowed) {
    if (!is_held(x)) take_crumbs(s);
    for (int i = 0; i < 2; i++) tune(&x->out[i]);
  } else if (s->kept < x->out_cap) take_crumbs(s);
  else drop_flood(s);
}

static void drain(struct stream *s, bool now) {
  bool patient = s->exec->windowed && !now;
  while (s->fd >= 0 && s->late < DRAIN_MAX) {
    uint64_t from = s->seen;
    if (patient && is_held(s->exec)) {
      timer_clear(&s->resume);
      tune(s); // a GRANT comes
      return;
    }
    if (patient && outbox_full()) {
      pause_stream(s, PAUSE_US);
      return;
    }
    if (!read_stream(s)) break;
    s->late += s->seen - from;
  }
  close_stream(s);
}

bool streams_drain(struct exec *x, bool now) {
  close_stdin(x);
  // With the container gone nothing more comes: what is left may go beyond the window.
  if (now && x->windowed) x->credit = UINT32_MAX;
  for (int i = 0; i < 2; i++) drain(&x->out[i], now);
  return x->out[0].fd < 0 && x->out[1].fd < 0;
}
