// A container's volume: a host directory that is mounted over its home, /tmp and /srv.
#ifndef VOLUME_H
#define VOLUME_H
#include "frame.h"
#include "heap.h"
#include "helper.h"

struct volume {
  enum { VOLUME_NONE, VOLUME_UNDER_WAY, VOLUME_THERE } state;
  struct helper helper; // while it is under way
  struct timer limit;
  int reply;
  bool late;
};

struct box;

void box_attach(struct box *b, const struct frame *f);
// Its container is no more: whatever is under way is nobody's.
void volume_drop(struct box *b);

#endif
