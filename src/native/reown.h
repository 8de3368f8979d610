// Gives a directory tree to another owner.
#ifndef REOWN_H
#define REOWN_H
#include <stdint.h>

// The tree below the directory, and at last itself. 0, or -1 with errno.
int reown(int dir, uint32_t owner);

#endif
