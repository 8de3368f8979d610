// A container's pid 1: from clone to sealed, then it runs what the spawner asks for.
#ifndef INIT_H
#define INIT_H
#include <stdbool.h>
#include <stdint.h>

// Everything a container's init needs to know; copied with the spawner's memory at the fork.
struct birth {
  int sock;     // its end of the pair, one of the low descriptors
  int low_end;  // descriptors from here on are never copied into the container
  unsigned slot;
  uint64_t tmp_bytes, nofile;
  uint32_t pids;
  bool ranged;     // a uid range of its own, so supplementary groups can be dropped
  bool limit_pids; // no pids control group: an rlimit stands in
  char hostname[65];
};

void init_main(const struct birth *birth) __attribute__((noreturn));
// The loop after the seal, in run.c.
void init_serve(int sock) __attribute__((noreturn));

#endif
