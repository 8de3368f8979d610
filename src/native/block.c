// Fixed blocks for what cannot be handed on at once: packets for an init, bytes for a tenant's standard input.
#define _GNU_SOURCE
#include "block.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys.h"

static struct block *blocks, *freed;
static uint32_t room, used, fresh;

void blocks_open(uint32_t count) {
  blocks = arena((size_t)count * sizeof *blocks);
  room = count;
}

uint32_t blocks_left(void) {
  return room - used;
}

static struct block *take(void) {
  struct block *b = freed;
  if (b) freed = b->next;
  else if (fresh < room) b = &blocks[fresh++];
  else return NULL;
  used++;
  b->next = NULL;
  b->at = b->len = 0;
  b->fd_count = 0;
  return b;
}

static void give(struct block *b) {
  for (int i = 0; i < b->fd_count; i++) close(b->fds[i]);
  b->next = freed;
  freed = b;
  if (--used || fresh <= 16) return;
  // Nobody waits any more: the pages of the burst go back to the kernel.
  madvise(blocks, (size_t)fresh * sizeof *blocks, MADV_DONTNEED);
  freed = NULL;
  fresh = 0;
}

struct block *queue_push(struct queue *q) {
  struct block *b = take();
  if (!b) return NULL;
  if (q->last) q->last->next = b;
  else q->first = b;
  q->last = b;
  q->count++;
  return b;
}

void queue_pop(struct queue *q) {
  struct block *b = q->first;
  q->first = b->next;
  if (!q->first) q->last = NULL;
  q->count--;
  give(b);
}

void queue_clear(struct queue *q) {
  while (q->first) queue_pop(q);
  q->bytes = 0;
}
