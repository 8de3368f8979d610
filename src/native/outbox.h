// What goes to the control plane: one bounded buffer, written once per turn of the loop.
#ifndef OUTBOX_H
#define OUTBOX_H
#include "frame.h"
#include "sys.h"

enum { OUTBOX_HIGH = 4 << 20 };

void outbox_open(void);
void out_begin(enum reply type, uint32_t container);
void out_u8(uint8_t n);
void out_u32(uint32_t n);
void out_u64(uint64_t n);
void out_str(const char *s);
void out_bytes(const char *bytes, size_t n);
void out_end(void);
// Room for n more bytes of the frame just begun, to be filled in place, then claimed with out_claim.
char *out_room(size_t n);
void out_claim(size_t n);

// Above the high mark tenants are not read; far above it their output is dropped.
bool outbox_high(void);
bool outbox_full(void);
// More was begun than fits: the connection cannot be kept.
bool outbox_broken(void);
// Writes what the socket takes: 1 all, 0 some is left, -1 the connection is dead.
int outbox_flush(int sock);
// Nobody listens: drops what waits, and every frame from now on, until told otherwise.
void outbox_mute(bool on);

#endif
