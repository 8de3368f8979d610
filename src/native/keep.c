// Containers that outlive the control connection: marked, parted from who held them, and listed to who comes next.
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "spawner.h"

enum { LABEL_MAX = 128 };

static bool plain_label(const struct str *label) {
  if (label->len == 0 || label->len > LABEL_MAX) return false;
  for (uint32_t i = 0; i < label->len; i++)
    if (label->at[i] < ' ' || label->at[i] > '~') return false;
  return true;
}

static bool is_running(const struct box *b) {
  return b->state == BOX_LIVE || b->state == BOX_FROZEN;
}

void box_keep(struct box *b, const struct frame *f) {
  const char *why = NULL;
  if (!plain_label(&f->label)) why = "a label has 1 to 128 printable ASCII characters";
  else if (!is_running(b)) why = "the container is not running";
  if (why) {
    send_failed(b->id, 0, is_running(b) ? EINVAL : ESRCH, "keep", why);
    return;
  }
  if (!b->kept) spawner.kept++;
  b->kept = true;
  memcpy(b->label, f->label.at, f->label.len);
  b->label[f->label.len] = 0;
  out_begin(R_KEPT, b->id);
  out_end();
}

void box_seal(struct box *b) {
  if (!is_running(b)) {
    send_failed(b->id, 0, ESRCH, "seal", "the container is not running");
    return;
  }
  if (box_say_seal(b, R_SEALED)) return;
  send_failed(b->id, 0, b->error, b->stage, strerror((int)b->error));
  b->stage[0] = 0;
}

void boxes_part(void) {
  for (struct box *b = box_next(NULL); b; b = box_next(b)) {
    if (!b->kept) box_destroy(b, GONE_SHUTDOWN);
    else if (is_running(b)) execs_abandon(b);
  }
}

// ---- listing ----

static void say_execs(const struct box *b) {
  uint32_t count = 0;
  for (const struct exec *x = b->execs; x; x = x->next) count += x->logged;
  out_u32(count);
  for (const struct exec *x = b->execs; x; x = x->next) {
    if (!x->logged) continue;
    out_u32(x->id);
    out_u8(x->settled);
    out_u8(x->settled ? (uint8_t)x->ending.how : 0);
    out_u32(x->settled ? x->ending.code : 0);
  }
}

void boxes_list(void) {
  static const uint8_t shown[] = { 0, 0, 0, 1, 2, 3, 3 };
  out_begin(R_LISTING, 0);
  out_u32(spawner.boxes);
  for (const struct box *b = box_next(NULL); b; b = box_next((struct box *)(uintptr_t)b)) {
    out_u32(b->id);
    out_u8(shown[b->state]);
    out_u8(b->kept);
    out_str(b->label);
    out_str(b->hostname);
    say_execs(b);
  }
  out_end();
  spawner.listed = true;
  for (struct box *b = box_next(NULL); b; b = box_next(b)) execs_tell(b);
}
