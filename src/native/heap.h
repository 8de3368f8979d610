// Deadlines: a binary heap of timers that live inside what they belong to.
#ifndef HEAP_H
#define HEAP_H
#include <stdint.h>

struct timer {
  uint64_t at;
  uint32_t place; // 1-based position in the heap; 0: not set
  void (*fire)(void *owner);
  void *owner;
};

void heap_open(uint32_t capacity);
void timer_set(struct timer *t, uint64_t at, void (*fire)(void *owner), void *owner);
void timer_clear(struct timer *t);
// Fires what is due; milliseconds until the next one, or -1.
int timers_run(void);

#endif
