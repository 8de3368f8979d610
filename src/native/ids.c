// User ids of the containers: blocks of ranges, each block one spawner's alone for as long as it runs.
#define _GNU_SOURCE
#include "ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"

enum {
  FIRST = 0x70000000, // above what systemd-nspawn, LXD and subuid ranges use
  SLOTS_A_BLOCK = 1024,
  BLOCK = SLOTS_A_BLOCK * ID_RANGE,
  BLOCKS = 35, // the last one ends below the reserved ids at the top
  HELD_MAX = 4,
};

static int locks = -1;
static uint32_t held[HELD_MAX], held_count, tried;

bool lock_file(int directory, const char *name) {
  TEXT(path, 96);
  sayf(&path, "unsandbox-%s.lock", name);
  int fd = openat(directory, path.at, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) die("%s: %s", path.at, strerror(errno));
  struct stat mine, there;
  // Who ends removes the file first: a lock on a file that is no longer there is nobody's.
  bool held_by_us = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &mine) == 0 &&
                    fstatat(directory, path.at, &there, 0) == 0 && mine.st_ino == there.st_ino;
  if (!held_by_us) close(fd);
  return held_by_us; // like the descriptor, until the end
}

void unlock_file(int directory, const char *name) {
  TEXT(path, 96);
  sayf(&path, "unsandbox-%s.lock", name);
  unlinkat(directory, path.at, 0);
}

// All of the blocks are ours to give when one line of our own map covers them.
bool ids_mapped(void) {
  char map[4096];
  if (read_at(AT_FDCWD, "/proc/self/uid_map", map, sizeof map) < 0) return false;
  for (char *at = map; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
    unsigned long long inside, outside, size;
    if (sscanf(at, "%llu %llu %llu", &inside, &outside, &size) != 3) return false;
    if (inside <= FIRST && inside + size >= FIRST + (unsigned long long)BLOCKS * BLOCK) return true;
  }
  return false;
}

bool ids_open(int directory) {
  locks = directory;
  return locks >= 0 && ids_mapped();
}

bool ids_reach(uint32_t slot) {
  while (held_count <= slot / SLOTS_A_BLOCK) {
    TEXT(name, 16);
    if (tried == BLOCKS || held_count == HELD_MAX) return false;
    sayf(&name, "uids-%u", tried);
    if (lock_file(locks, name.at)) held[held_count++] = FIRST + tried * (uint32_t)BLOCK;
    tried++;
  }
  return true;
}

bool ids_are_tenants(uint32_t id) {
  return id >= FIRST && id - FIRST < (uint32_t)BLOCKS * BLOCK;
}

uint32_t ids_of(uint32_t slot) {
  return held[slot / SLOTS_A_BLOCK] + slot % SLOTS_A_BLOCK * ID_RANGE;
}
