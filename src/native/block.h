// Fixed blocks for what cannot be handed on at once: packets for an init, bytes for a tenant's standard input.
#ifndef BLOCK_H
#define BLOCK_H
#include <stdint.h>

#include "link.h"

struct block {
  struct block *next;
  uint32_t at, len;
  int fds[3], fd_count; // to be sent with the block and closed afterwards
  char bytes[PACKET_MAX + sizeof(struct piece)];
};

struct queue {
  struct block *first, *last;
  uint32_t count, bytes;
};

void blocks_open(uint32_t count);
uint32_t blocks_left(void);
// An empty block at the end of the queue, or NULL when none is left.
struct block *queue_push(struct queue *q);
void queue_pop(struct queue *q);
void queue_clear(struct queue *q);

#endif
