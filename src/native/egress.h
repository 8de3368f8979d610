// Ports inside a container that lead to a socket of the host.
#ifndef EGRESS_H
#define EGRESS_H
#include <stdint.h>

#include "frame.h"

struct box;

void egress_open(void);
void box_egress(struct box *b, const struct frame *f);
void egress_accept(uint32_t index, uint32_t generation);
// Init's answer; takes the descriptor.
void egress_answered(struct box *b, uint32_t number, uint32_t error, int fd);
void egress_end(struct box *b);

#endif
