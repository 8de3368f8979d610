// Files in and out of a container, done by its init with the tenant's own rights; symbolic links are never followed.
#define _GNU_SOURCE
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "link.h"
#include "sys.h"

enum { DEPTH_MAX = 8, ENTRIES_MAX = 100000, RELATIVE_MAX = DEPTH_MAX * 256 };

// Opens the directory that holds the last component of an absolute path; *last is that component.
static int open_parent(char *path, char **last, bool make) {
  int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  char *at = path + 1;
  for (char *slash; dir >= 0 && (slash = strchr(at, '/')); at = slash + 1) {
    *slash = 0;
    if (make) mkdirat(dir, at, 0755);
    int next = openat(dir, at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int saved = errno;
    close(dir);
    errno = saved;
    dir = next;
    *slash = '/';
  }
  *last = at;
  return dir;
}

static int write_whole(int fd, const char *bytes, uint32_t size) {
  for (uint32_t done = 0; done < size;) {
    ssize_t n = write(fd, bytes + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    done += (uint32_t)n;
  }
  return 0;
}

int files_put(const struct frame *f) {
  struct str path = f->path;
  char *last;
  int how = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (f->flags & PUT_APPEND ? O_APPEND : O_TRUNC);
  int dir = open_parent(str_close(&path), &last, true);
  if (dir < 0) return errno;
  // Whatever stands there makes way, read-only or no file at all; a directory is not emptied.
  if (!(f->flags & PUT_APPEND) && unlinkat(dir, last, 0) && errno != ENOENT) {
    int error = errno;
    close(dir);
    return error;
  }
  int fd = openat(dir, last, how, f->mode & 0777);
  int error = fd < 0 ? errno : 0;
  close(dir);
  if (error) return error;
  struct stat st;
  if (fstat(fd, &st) || !S_ISREG(st.st_mode)) error = EINVAL;
  if (!error) error = write_whole(fd, f->bytes, f->size);
  if (!error && fchmod(fd, f->mode & 0777)) error = errno;
  close(fd);
  return error;
}

// ---- collecting ----

struct walk {
  struct collection *c;
  char path[RELATIVE_MAX];
};

static _Alignas(struct report) char packet[PACKET_MAX];

static size_t put_le(char *at, uint64_t n, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) at[i] = (char)(n >> (8 * i));
  return bytes;
}

static int send_file(struct walk *w, int fd, const struct stat *st) {
  struct report *r = (struct report *)(void *)packet;
  *r = (struct report){ .kind = REPORT_FILE, .exec = w->c->exec };
  size_t at = sizeof *r, path = strlen(w->path);
  at += put_le(packet + at, w->c->exec, 4);
  at += put_le(packet + at, path, 4);
  memcpy(packet + at, w->path, path);
  at += path;
  at += put_le(packet + at, st->st_mode & 0777, 4);
  at += put_le(packet + at, (uint64_t)st->st_size, 8);
  uint64_t left = (uint64_t)st->st_size;
  do {
    size_t room = sizeof packet - at - 1;
    ssize_t n = left ? read(fd, packet + at + 1, left < room ? left : room) : 0;
    if (n < 0) return errno;
    left = n == 0 ? 0 : left - (uint64_t)n;
    packet[at] = left == 0;
    if (send(w->c->sock, packet, at + 1 + (size_t)n, MSG_NOSIGNAL) < 0) _exit(1);
  } while (left);
  return 0;
}

static bool is_excluded(const struct walk *w) {
  for (uint32_t i = 0; i < w->c->exclude.count; i++)
    if (strcmp(w->c->excluded[i], w->path) == 0) return true;
  return false;
}

static void collect_file(struct walk *w, int dir, const char *name) {
  struct stat st;
  int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
    if (w->c->max_files == 0 || (uint64_t)st.st_size > w->c->max_bytes) w->c->cut = true;
    else {
      w->c->max_files--;
      w->c->max_bytes -= (uint64_t)st.st_size;
      if (send_file(w, fd, &st)) w->c->cut = true;
    }
  }
  close(fd);
}

static void walk_directory(struct walk *w, int dir, size_t length, int depth);

static void walk_entry(struct walk *w, int dir, const char *name, size_t length, int depth) {
  struct stat st;
  size_t n = strlen(name);
  if (length + n + 2 > sizeof w->path || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) return;
  // A name that is no UTF-8 cannot be told; that it is missing can.
  if (!is_utf8(name, n)) {
    w->c->cut = true;
    return;
  }
  memcpy(w->path + length, name, n + 1);
  if (is_excluded(w)) return;
  if (S_ISREG(st.st_mode)) collect_file(w, dir, name);
  if (!S_ISDIR(st.st_mode)) return;
  if (depth == DEPTH_MAX) {
    w->c->cut = true;
    return;
  }
  int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  w->path[length + n] = '/';
  if (next >= 0) walk_directory(w, next, length + n + 1, depth + 1);
}

struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static void walk_directory(struct walk *w, int dir, size_t length, int depth) {
  _Alignas(struct entry) char block[4096];
  long n;
  while (!(w->c->cut && w->c->entries == ENTRIES_MAX) && (n = syscall(SYS_getdents64, dir, block, sizeof block)) > 0) {
    for (long at = 0; at < n;) {
      struct entry *e = (struct entry *)(void *)(block + at);
      at += e->length;
      if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0) continue;
      if (w->c->entries == ENTRIES_MAX) {
        w->c->cut = true;
        break;
      }
      w->c->entries++;
      walk_entry(w, dir, e->name, length, depth);
    }
  }
  close(dir);
}

int files_collect(struct collection *c, const char *dir) {
  char path[PATH_LENGTH_MAX + 1], *last;
  static struct walk walk;
  walk.c = c;
  snprintf(path, sizeof path, "%s", dir);
  int parent = open_parent(path, &last, false);
  if (parent < 0) return errno;
  int fd = openat(parent, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int error = fd < 0 ? errno : 0;
  close(parent);
  if (error) return error;
  walk_directory(&walk, fd, 0, 1);
  return 0;
}
