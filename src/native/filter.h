// The seccomp filter that every process of a container runs under.
#ifndef FILTER_H
#define FILTER_H

// Builds the program once; containers only load it.
void filter_build(void);
// Loads it on the calling thread (no_new_privs must be set); 0 or -1 with errno.
int filter_load(void);

#endif
