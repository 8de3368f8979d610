// The template root: the read-only tree that every container's mount namespace starts as a copy of.
#ifndef ROOT_H
#define ROOT_H
#include "sys.h"

enum { TENANT = 1000, MASKS_MAX = 16 };

// What of /proc a tenant could read and should not: an empty file or directory goes over it.
struct mask {
  char path[40];
  bool directory;
};

struct template {
  struct mask masks[MASKS_MAX];
  int mask_count;
};

extern struct template template;

// Takes a private mount namespace, builds the template and makes it the root; the host's tree is gone afterwards.
void root_enter(bool privileged);
// In a container: its own /proc, writable tmpfs and terminals on top of the template. NULL, or the stage that failed.
const char *root_furnish(uint64_t tmp_bytes, bool ranged);

#endif
