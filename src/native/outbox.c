// What goes to the control plane: one bounded buffer, written once per turn of the loop.
#define _GNU_SOURCE
#include "outbox.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { CAPACITY = 24 << 20, FULL = 12 << 20, USUAL = 1 << 20 };

#define SAFE_MAX ((1ull << 53) - 1)

static char *buffer;
static size_t head, tail, frame;
static bool broken, muted;

void outbox_open(void) {
  buffer = arena(CAPACITY);
}

char *out_room(size_t n) {
  if (CAPACITY - tail >= n) return buffer + tail;
  memmove(buffer, buffer + head, tail - head);
  tail -= head;
  frame -= head;
  head = 0;
  if (CAPACITY - tail >= n) return buffer + tail;
  broken = true;
  return NULL;
}

void out_claim(size_t n) {
  tail += n;
}

void out_bytes(const char *bytes, size_t n) {
  char *at = out_room(n);
  if (!at) return;
  memcpy(at, bytes, n);
  tail += n;
}

static void out_le(uint64_t n, unsigned bytes) {
  char at[8];
  for (unsigned i = 0; i < bytes; i++) at[i] = (char)(n >> (8 * i));
  out_bytes(at, bytes);
}

void out_u8(uint8_t n) {
  out_le(n, 1);
}

void out_u32(uint32_t n) {
  out_le(n, 4);
}

// Numbers stay exact in the control plane's doubles; one above them is a kernel's "max", which means "not known".
void out_u64(uint64_t n) {
  out_le(n > SAFE_MAX ? 0 : n, 8);
}

void out_str(const char *s) {
  size_t n = strlen(s);
  out_u32((uint32_t)n);
  out_bytes(s, n);
}

void out_begin(enum reply type, uint32_t container) {
  frame = tail;
  out_u32(0);
  out_u8((uint8_t)type);
  out_u32(container);
}

void out_end(void) {
  uint32_t n = (uint32_t)(tail - frame - 4);
  if (muted) head = tail = frame = 0;
  if (broken || muted) return;
  for (unsigned i = 0; i < 4; i++) buffer[frame + i] = (char)(n >> (8 * i));
}

bool outbox_high(void) {
  return tail - head > OUTBOX_HIGH;
}

bool outbox_full(void) {
  return tail - head > FULL;
}

bool outbox_broken(void) {
  return broken;
}

int outbox_flush(int sock) {
  while (head < tail) {
    ssize_t n = send(sock, buffer + head, tail - head, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    head += (size_t)n;
  }
  // A burst's pages are given back; the usual few stay.
  if (tail > USUAL) madvise(buffer + USUAL, CAPACITY - USUAL, MADV_DONTNEED);
  head = tail = frame = 0;
  return 1;
}

void outbox_mute(bool on) {
  muted = on;
  broken = false;
  head = tail = frame = 0;
}
