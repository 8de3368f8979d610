// Files in and out of a container, done by its init with the tenant's own rights.
#ifndef FILES_H
#define FILES_H
#include "frame.h"

// 0, or an errno.
int files_put(const struct frame *f);

struct collection {
  uint32_t exec, max_files, entries;
  uint64_t max_bytes;
  struct list exclude;
  char **excluded;
  int sock;
  bool cut; // a bound was hit
};

// Walks dir and sends its regular files; 0, or an errno when dir itself cannot be read.
int files_collect(struct collection *c, const char *dir);

#endif
