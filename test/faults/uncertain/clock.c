// Put before libc in a process of a test: its clocks are as far ahead as the file that SET_CLOCKS names says, in seconds.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct ahead {
  long long wall, monotonic;
};

static const volatile struct ahead *ahead(void) {
  static const struct ahead none;
  static const volatile struct ahead *known;
  if (known) return known;
  const char *path = getenv("SET_CLOCKS");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
  if (fd >= 0) close(fd);
  return known = map == MAP_FAILED ? &none : map;
}

int clock_gettime(clockid_t id, struct timespec *at) {
  if (syscall(SYS_clock_gettime, id, at)) return -1;
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) at->tv_sec += ahead()->wall;
  if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE) at->tv_sec += ahead()->monotonic;
  return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  if (syscall(SYS_gettimeofday, at, zone)) return -1;
  at->tv_sec += ahead()->wall;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
