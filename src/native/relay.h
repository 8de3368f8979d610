// Bytes both ways between a connection inside a container and one outside, as fast as both take them.
#ifndef RELAY_H
#define RELAY_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "heap.h"

struct box;

// Which end of a relay; what is read from one goes to the other.
enum { OUTSIDE, INSIDE };

struct side {
  int fd; // -1: not there
  bool ended, shut, hung_up, watched;
  uint32_t events;
  char *held; // what the other side did not take yet
  uint32_t at, len;
};

enum relay_state { RELAY_FREE, RELAY_HEAD, RELAY_ASKED, RELAY_CONNECTING, RELAY_OPEN };

struct relay {
  uint32_t generation, have;
  enum relay_state state;
  struct box *box;
  struct relay *next, *previous; // of the same box
  struct side side[2];
  struct timer limit;
  uint16_t port;
  bool six;
  char head[6];
};

enum relay_event { ON_DIAL = 1, ON_EGRESS, ON_OUTSIDE, ON_INSIDE };

void relays_open(void);
// One round of whatever is ready; `fd` is what the loop watches for it.
void relays_run(void);
int relays_fd(void);
void relays_watch(int fd, enum relay_event kind, uint32_t index, uint32_t generation, uint32_t events, int op);

// NULL: too many.
struct relay *relay_new(void);
bool relay_join(struct relay *r, struct box *b);
struct relay *relay_at(uint32_t index, uint32_t generation);
uint32_t relay_index(const struct relay *r);
// Both sides are there: from here on it runs by itself.
void relay_begin(struct relay *r);
void relay_await(struct relay *r, int side, uint32_t events);
// Not watched, not even for its end.
void relay_ignore(struct relay *r, int side);
void relay_drop(struct relay *r, int side);
void relay_close(struct relay *r);
void relays_end(struct box *b);

#endif
