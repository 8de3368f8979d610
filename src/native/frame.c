// Frames of the control protocol: pure parsing, no allocation, no system call.
#include "frame.h"

#include <string.h>

struct cursor {
  char *at;
  size_t left;
  const char *why;
};

static uint64_t take(struct cursor *c, unsigned n) {
  if (c->left < n) {
    c->why = "short payload";
    c->left = 0;
    return 0;
  }
  uint64_t value = 0;
  for (unsigned i = 0; i < n; i++) value |= (uint64_t)(uint8_t)c->at[i] << (8 * i);
  c->at += n;
  c->left -= n;
  return value;
}

static struct str take_str(struct cursor *c) {
  uint32_t n = (uint32_t)take(c, 4);
  struct str s = { c->at, n };
  if (c->why) return s;
  if (n > c->left) c->why = "short payload";
  else if (memchr(c->at, 0, n)) c->why = "NUL inside a string";
  if (c->why) return s;
  c->at += n;
  c->left -= n;
  return s;
}

static struct list take_list(struct cursor *c) {
  uint32_t count = (uint32_t)take(c, 4);
  struct list l = { c->at, count };
  if (count > LIST_MAX) c->why = "list over bounds";
  for (uint32_t i = 0; i < count && !c->why; i++) take_str(c);
  return l;
}

static void take_rest(struct cursor *c, struct frame *f) {
  f->bytes = c->at;
  f->size = (uint32_t)c->left;
  c->at += c->left;
  c->left = 0;
}

static void take_limits(struct cursor *c, struct frame *f) {
  f->limits.memory = take(c, 8);
  f->limits.cpu = (uint32_t)take(c, 4);
  f->limits.pids = (uint32_t)take(c, 4);
}

static void take_exec(struct cursor *c, struct frame *f) {
  f->exec = (uint32_t)take(c, 4);
  f->flags = (uint32_t)take(c, 1);
  f->timeout_ms = (uint32_t)take(c, 4);
  f->out_cap = (uint32_t)take(c, 4);
  f->cols = (uint16_t)take(c, 2);
  f->rows = (uint16_t)take(c, 2);
  f->cwd = take_str(c);
  f->argv = take_list(c);
  f->env = take_list(c);
  if (!(f->flags & EXEC_LOGGED)) return;
  f->log = take_str(c);
  f->log_cap = take(c, 8);
}

static void take_collect(struct cursor *c, struct frame *f) {
  f->exec = (uint32_t)take(c, 4);
  f->path = take_str(c);
  f->max_files = (uint32_t)take(c, 4);
  f->max_bytes = take(c, 8);
  f->exclude = take_list(c);
}

static void take_put(struct cursor *c, struct frame *f) {
  f->path = take_str(c);
  f->mode = (uint32_t)take(c, 4);
  f->flags = (uint32_t)take(c, 1);
  take_rest(c, f);
}

static void take_payload(struct cursor *c, struct frame *f) {
  switch (f->type) {
    case HELLO: f->version = (uint32_t)take(c, 4); break;
    case CREATE:
      take_limits(c, f);
      f->tmp_bytes = take(c, 8);
      f->hostname = take_str(c);
      break;
    case LIMIT: take_limits(c, f); break;
    case PUT: take_put(c, f); break;
    case EXEC: take_exec(c, f); break;
    case STDIN:
      f->exec = (uint32_t)take(c, 4);
      take_rest(c, f);
      break;
    case RESIZE:
      f->exec = (uint32_t)take(c, 4);
      f->cols = (uint16_t)take(c, 2);
      f->rows = (uint16_t)take(c, 2);
      break;
    case SIGNAL:
      f->exec = (uint32_t)take(c, 4);
      f->signo = (uint32_t)take(c, 4);
      break;
    case COLLECT: take_collect(c, f); break;
    case KEEP: f->label = take_str(c); break;
    case ATTACH: f->path = take_str(c); break;
    case EGRESS:
      f->port = (uint16_t)take(c, 2);
      f->path = take_str(c);
      break;
    case GRANT:
      f->exec = (uint32_t)take(c, 4);
      f->credit = (uint32_t)take(c, 4);
      break;
    case FREEZE: case UNFREEZE: case DESTROY: case LIST: case STOP: case SEAL: break;
    default: c->why = "unknown frame type";
  }
}

const char *frame_parse(char *bytes, size_t n, struct frame *out) {
  struct cursor c = { bytes, n, NULL };
  memset(out, 0, sizeof *out);
  out->type = (uint8_t)take(&c, 1);
  out->container = (uint32_t)take(&c, 4);
  if (c.why) return c.why;
  take_payload(&c, out);
  if (c.why) return c.why;
  if (c.left) return "trailing bytes";
  bool wide = out->type == HELLO || out->type == LIST || out->type == STOP;
  if (wide != (out->container == 0)) return wide ? "container on a spawner-wide frame" : "container 0";
  return NULL;
}

uint32_t frame_length(const char *bytes, size_t have, const char **why) {
  if (have < 4) return 0;
  struct cursor c = { (char *)(uintptr_t)bytes, 4, NULL };
  uint32_t n = (uint32_t)take(&c, 4);
  if (n < 5 || n > FRAME_MAX) *why = "frame length out of bounds";
  return n;
}

char *str_close(struct str *s) {
  s->at = memmove(s->at - 4, s->at, s->len);
  s->at[s->len] = 0;
  return s->at;
}

void list_close(struct list *l, char **pointers) {
  struct cursor c = { l->at, SIZE_MAX, NULL };
  for (uint32_t i = 0; i < l->count; i++) {
    struct str s = take_str(&c);
    pointers[i] = str_close(&s);
  }
  pointers[l->count] = NULL;
}

// How many continuation bytes follow a lead byte, or -1.
static int utf8_tail(unsigned char lead) {
  if (lead < 0x80) return 0;
  if (lead >= 0xc2 && lead < 0xe0) return 1;
  if (lead >= 0xe0 && lead < 0xf0) return 2;
  return lead >= 0xf0 && lead < 0xf5 ? 3 : -1;
}

// The second byte's narrower range rules out overlong forms, surrogates and what is above U+10FFFF.
static bool utf8_second(unsigned char lead, unsigned char second) {
  if (lead == 0xe0) return second >= 0xa0;
  if (lead == 0xed) return second < 0xa0;
  if (lead == 0xf0) return second >= 0x90;
  return lead != 0xf4 || second < 0x90;
}

bool is_utf8(const char *bytes, size_t n) {
  const unsigned char *at = (const unsigned char *)bytes, *end = at + n;
  while (at < end) {
    int tail = utf8_tail(*at);
    if (tail < 0 || end - at <= tail || (tail && !utf8_second(at[0], at[1]))) return false;
    for (int i = 1; i <= tail; i++)
      if ((at[i] & 0xc0) != 0x80) return false;
    at += tail + 1;
  }
  return true;
}

static bool plain_component(const char *at, size_t n) {
  return n > 0 && n <= 255 && !(n == 1 && at[0] == '.') && !(n == 2 && at[0] == '.' && at[1] == '.');
}

bool path_in_tmp(const struct str *path) {
  if (path->len < 6 || memcmp(path->at, "/tmp/", 5) != 0) return false;
  const char *at = path->at + 1, *end = path->at + path->len;
  while (at <= end) {
    const char *slash = memchr(at, '/', (size_t)(end - at));
    size_t n = (size_t)((slash ? slash : end) - at);
    if (!plain_component(at, n)) return false;
    at += n + 1;
  }
  return true;
}
