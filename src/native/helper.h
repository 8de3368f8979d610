// Short-lived children of the spawner, for what may take long: the loop never waits for a disk.
#ifndef HELPER_H
#define HELPER_H
#include <stdbool.h>
#include <sys/types.h>

struct helper {
  pid_t pid; // 0: none
  struct helper *next;
  void (*ended)(void *owner);
  void *owner;
};

// As fork; the child keeps only statics, the stack and the given descriptors. `ended` is called once it is reaped.
pid_t helper_fork(struct helper *h, const int *fds, int count, void (*ended)(void *owner), void *owner);
void helper_kill(struct helper *h);
// Its end is nobody's concern any more.
void helper_forget(struct helper *h);
void helper_reaped(pid_t pid);

#endif
