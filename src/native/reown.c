// Gives a directory tree to another owner. What is in it was made by whoever could write there: no link is followed,
// no other mount entered, nothing opened but directories.
#define _GNU_SOURCE
#include "reown.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ids.h"

enum { DEPTH_MAX = 512 };

struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static int open_beneath(int dir, const char *name, int flags) {
  struct open_how how = { .flags = (unsigned)(flags | O_NOFOLLOW | O_CLOEXEC) };
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  return (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
}

static int give(int fd, const struct stat *st, uint32_t owner) {
  if (st->st_uid == owner && st->st_gid == owner) return 0;
  // Its other names may lie outside the tree: what no container owned stays whose it is.
  if (!S_ISDIR(st->st_mode) && st->st_nlink > 1 && !ids_are_tenants(st->st_uid)) return 0;
  return fchownat(fd, "", owner, owner, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

static int walk(int dir, uint32_t owner, int depth);

static int visit(int dir, const char *name, uint32_t owner, int depth) {
  struct stat st;
  int fd = open_beneath(dir, name, O_PATH), result = -1;
  // Gone meanwhile, or another mount's.
  if (fd < 0) return errno == ENOENT || errno == EXDEV ? 0 : -1;
  if (fstat(fd, &st) == 0) {
    bool deeper = S_ISDIR(st.st_mode) && depth < DEPTH_MAX;
    int below = deeper ? openat(fd, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    result = deeper ? (below < 0 ? -1 : walk(below, owner, depth + 1)) : 0;
    if (result == 0) result = give(fd, &st, owner);
  }
  int saved = errno;
  close(fd);
  errno = saved;
  return result;
}

static bool is_dot(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

// Closes dir.
static int walk(int dir, uint32_t owner, int depth) {
  _Alignas(struct entry) char block[2048];
  int result = 0;
  long n = 0;
  while (result == 0 && (n = syscall(SYS_getdents64, dir, block, sizeof block)) > 0) {
    for (long at = 0; at < n && result == 0;) {
      const struct entry *e = (struct entry *)(void *)(block + at);
      at += e->length;
      if (!is_dot(e->name)) result = visit(dir, e->name, owner, depth);
    }
  }
  if (n < 0) result = -1;
  int saved = errno;
  close(dir);
  errno = saved;
  return result;
}

int reown(int dir, uint32_t owner) {
  struct stat st;
  int below = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (below < 0 || walk(below, owner, 1) || fstat(dir, &st)) return -1;
  return give(dir, &st, owner);
}
