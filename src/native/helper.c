// Short-lived children of the spawner, for what may take long: the loop never waits for a disk.
#define _GNU_SOURCE
#include "helper.h"

#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BUCKETS = 256, FDS_MAX = 8 };

static struct helper *by_pid[BUCKETS];

static struct helper **place_of(pid_t pid) {
  struct helper **at = &by_pid[(unsigned)pid % BUCKETS];
  while (*at && (*at)->pid != pid) at = &(*at)->next;
  return at;
}

// A copy of somebody's pipe, held here for long, would keep its reader waiting.
static void close_others(const int *fds, int count) {
  int sorted[FDS_MAX];
  unsigned from = 3;
  for (int i = 0; i < count; i++) {
    int at = i;
    for (; at > 0 && sorted[at - 1] > fds[i]; at--) sorted[at] = sorted[at - 1];
    sorted[at] = fds[i];
  }
  for (int i = 0; i < count; i++) {
    if ((unsigned)sorted[i] > from) syscall(SYS_close_range, from, (unsigned)sorted[i] - 1, 0);
    from = (unsigned)sorted[i] + 1;
  }
  syscall(SYS_close_range, from, ~0u, 0);
}

pid_t helper_fork(struct helper *h, const int *fds, int count, void (*ended)(void *owner), void *owner) {
  pid_t pid = fork();
  if (pid == 0) close_others(fds, count);
  if (pid <= 0) return pid;
  *h = (struct helper){ pid, by_pid[(unsigned)pid % BUCKETS], ended, owner };
  by_pid[(unsigned)pid % BUCKETS] = h;
  return pid;
}

void helper_kill(struct helper *h) {
  if (h->pid) kill(h->pid, SIGKILL);
}

void helper_forget(struct helper *h) {
  struct helper **at = place_of(h->pid);
  if (!h->pid || !*at) return;
  *at = h->next;
  h->pid = 0;
}

void helper_reaped(pid_t pid) {
  struct helper *h = *place_of(pid);
  if (!h) return;
  helper_forget(h);
  h->ended(h->owner);
}
