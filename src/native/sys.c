// The few system calls, small-file reads and bounded text that everything else is made of.
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void say_n(struct text *t, const char *s, size_t n) {
  size_t room = t->cap - 1 - t->len;
  if (n > room) {
    n = room;
    t->over = true;
  }
  memcpy(t->at + t->len, s, n);
  t->len += n;
  t->at[t->len] = 0;
}

void say(struct text *t, const char *s) {
  say_n(t, s, strlen(s));
}

void say_u64(struct text *t, uint64_t n) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + n % 10);
    n /= 10;
  } while (n);
  say_n(t, digits + at, sizeof digits - at);
}

void sayf(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t room = t->cap - t->len;
  int n = vsnprintf(t->at + t->len, room, format, args);
  va_end(args);
  if (n < 0) return;
  t->over |= (size_t)n >= room;
  t->len += (size_t)n < room ? (size_t)n : room - 1;
}

void say_json(struct text *t, const char *s) {
  say(t, "\"");
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c == '"' || c == '\\') sayf(t, "\\%c", c);
    else if (c < 0x20) sayf(t, "\\u%04x", c);
    else say_n(t, s, 1);
  }
  say(t, "\"");
}

ssize_t read_at(int dir, const char *path, char *buf, size_t cap) {
  int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  size_t len = 0;
  ssize_t n = 0;
  // The kernel's generated files end early only at the end: one short read saves the second call.
  while (len < cap - 1 && (n = read(fd, buf + len, cap - 1 - len)) > 0) {
    len += (size_t)n;
    if (len < 2048) break;
  }
  int saved = errno;
  close(fd);
  errno = saved;
  if (n < 0) return -1;
  buf[len] = 0;
  return (ssize_t)len;
}

int write_at(int dir, const char *path, const char *bytes, size_t n) {
  int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t done = write(fd, bytes, n);
  int saved = errno;
  close(fd);
  errno = done < 0 ? saved : EIO;
  return done == (ssize_t)n ? 0 : -1;
}

int write_text_at(int dir, const char *path, const char *s) {
  return write_at(dir, path, s, strlen(s));
}

int write_u64_at(int dir, const char *path, uint64_t n) {
  TEXT(t, 24);
  say_u64(&t, n);
  return write_at(dir, path, t.at, t.len);
}

bool parse_u64(const char *s, uint64_t *out) {
  uint64_t n = 0;
  if (strncmp(s, "max", 3) == 0) {
    *out = UINT64_MAX;
    return true;
  }
  if (*s < '0' || *s > '9') return false;
  for (; *s >= '0' && *s <= '9'; s++) n = n * 10 + (uint64_t)(*s - '0');
  *out = n;
  return true;
}

int number_at(int dir, const char *path, uint64_t *out) {
  char buf[64];
  if (read_at(dir, path, buf, sizeof buf) < 0) return -1;
  if (parse_u64(buf, out)) return 0;
  errno = EINVAL;
  return -1;
}

bool number_after(const char *text, const char *key, uint64_t *out) {
  size_t n = strlen(key);
  for (const char *at = text; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
    if (strncmp(at, key, n) == 0 && at[n] == ' ') return parse_u64(at + n + 1, out);
  return false;
}

uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void *arena(size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) die("cannot map %zu bytes of memory: %s", bytes, strerror(errno));
  if (madvise(at, bytes, MADV_DONTFORK)) die("madvise: %s", strerror(errno));
  madvise(at, bytes, MADV_NOHUGEPAGE);
  return at;
}

void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("membrane: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  exit(1);
}
