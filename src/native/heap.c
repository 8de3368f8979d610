// Deadlines: a binary heap of timers that live inside what they belong to.
#include "heap.h"

#include <stddef.h>

#include "sys.h"

static struct timer **heap;
static uint32_t count, room;

void heap_open(uint32_t capacity) {
  heap = arena((capacity + 1) * sizeof *heap);
  room = capacity;
}

static void place(struct timer *t, uint32_t at) {
  heap[at] = t;
  t->place = at;
}

static void rise(struct timer *t, uint32_t at) {
  for (; at > 1 && heap[at / 2]->at > t->at; at /= 2) place(heap[at / 2], at);
  place(t, at);
}

static void sink(struct timer *t, uint32_t at) {
  for (uint32_t child; (child = at * 2) <= count; at = child) {
    if (child < count && heap[child + 1]->at < heap[child]->at) child++;
    if (heap[child]->at >= t->at) break;
    place(heap[child], at);
  }
  place(t, at);
}

void timer_clear(struct timer *t) {
  if (!t->place) return;
  uint32_t at = t->place;
  struct timer *last = heap[count--];
  t->place = 0;
  if (last == t) return;
  if (at > 1 && heap[at / 2]->at > last->at) rise(last, at);
  else sink(last, at);
}

void timer_set(struct timer *t, uint64_t at, void (*fire)(void *owner), void *owner) {
  timer_clear(t);
  if (count == room) die("more timers than their owners have room for");
  *t = (struct timer){ at, 0, fire, owner };
  rise(t, ++count);
}

int timers_run(void) {
  uint64_t now = count ? now_us() : 0;
  while (count && heap[1]->at <= now) {
    struct timer *due = heap[1];
    timer_clear(due);
    due->fire(due->owner);
  }
  return count ? (int)((heap[1]->at - now) / 1000 + 1) : -1;
}
