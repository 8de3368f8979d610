// The seal: what a container ended up with, read back from the kernel.
#ifndef SEAL_H
#define SEAL_H
#include <sys/types.h>

#include "sys.h"

// Remembers the spawner's own namespaces, before it changes any; `user` is the user namespace that it left before this
// program was started again inside its own, or 0.
void seal_remember_host(int proc, uint64_t user);
// Writes the seal of the container whose init is pid; 0, or -1 with errno and *stage.
int seal_read(int proc, pid_t pid, unsigned slot, struct text *out, const char **stage);

#endif
