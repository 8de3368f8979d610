// The host's files, for a spawner that has left them: volumes, logs and sockets are named by the host's paths.
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawner.h"

enum { TRIES = 8 };

static int space = -1, root = -1;

static int keep_high(int fd) {
  int high = fcntl(fd, F_DUPFD_CLOEXEC, LOW_END);
  if (fd < 0 || high < 0) die("the host's mounts: %s", strerror(errno));
  close(fd);
  return high;
}

void host_remember(int privileged) {
  // An ordinary user may not come back to the host's own mounts: a copy that follows them, unmounts too, stands in.
  if (!privileged && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL)))
    die("the host's mounts: %s", strerror(errno));
  space = keep_high(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  root = keep_high(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int host_space(void) {
  return space;
}

int host_enter(void) {
  return setns(space, CLONE_NEWNS);
}

int host_open(const char *path, int flags, unsigned mode) {
  struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC), .mode = mode };
  // Links in the host's tree mean its paths, and never ours.
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  int fd = -1;
  for (int i = 0; i < TRIES; i++) {
    fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) break; // EAGAIN: something was renamed meanwhile
  }
  return fd;
}
