// Freezing and thawing a container, watched until the kernel says that every process is in the wanted state.
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "cgroup.h"
#include "spawner.h"

enum { FREEZE_LIMIT_US = 5000000, POLL_US = 2000 };

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
    b->freeze_wanted = !on;
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
