// Connections that the control plane makes to ports inside containers.
#ifndef DIAL_H
#define DIAL_H
#include <stdint.h>

struct relay;
struct box;

// Listens on `listener`, or nowhere when it is -1.
void dial_open(int listener);
void dial_accept(void);
// Something happened on a relay that is not open yet.
void dial_ready(struct relay *r);
// Init's answer; takes the descriptor.
void dial_answered(struct box *b, uint32_t number, uint32_t error, int fd);

#endif
