// The limit: plain fork + exec + pipe + wait of a command, with no isolation at all.
// limit N CONCURRENCY -- argv… → {"rps":…,"p50_us":…,"p99_us":…,"user_us":…,"sys_us":…}
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONCURRENCY_MAX = 1024, RUNS_MAX = 10000000 };

struct run {
  pid_t pid;
  uint64_t since;
};

static struct run runs[CONCURRENCY_MAX];
static struct pollfd pipes[CONCURRENCY_MAX];
static uint32_t *took;
static long finished, failed;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what) {
  fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void start(int at, char **argv) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) die("pipe");
  runs[at].since = now_us();
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    dup2(ends[1], 1);
    execvp(argv[0], argv);
    _exit(127);
  }
  close(ends[1]);
  runs[at].pid = pid;
  pipes[at] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
}

// True when the run at this place has ended.
static int serve(int at) {
  char bytes[65536];
  int status;
  if (!pipes[at].revents || read(pipes[at].fd, bytes, sizeof bytes) > 0) return 0;
  close(pipes[at].fd);
  pipes[at].fd = -1;
  if (waitpid(runs[at].pid, &status, 0) < 0) die("waitpid");
  took[finished++] = (uint32_t)(now_us() - runs[at].since);
  failed += status != 0;
  return 1;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static uint64_t micros(struct timeval t) {
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

static void report(uint64_t elapsed) {
  struct rusage children;
  getrusage(RUSAGE_CHILDREN, &children);
  qsort(took, (size_t)finished, sizeof *took, by_size);
  printf("{\"rps\":%.1f,\"p50_us\":%u,\"p99_us\":%u,\"user_us\":%llu,\"sys_us\":%llu,\"failed\":%ld}\n",
         (double)finished * 1e6 / (double)elapsed, took[finished / 2], took[finished * 99 / 100],
         (unsigned long long)(micros(children.ru_utime) / (uint64_t)finished),
         (unsigned long long)(micros(children.ru_stime) / (uint64_t)finished), failed);
}

static long bounded(const char *text, long most) {
  char *end;
  long n = strtol(text, &end, 10);
  if (*end || n < 1 || n > most) {
    fprintf(stderr, "usage: limit N CONCURRENCY -- argv…\n");
    exit(2);
  }
  return n;
}

int main(int argc, char **argv) {
  if (argc < 5 || strcmp(argv[3], "--") != 0) bounded("", 0);
  long total = bounded(argv[1], RUNS_MAX), started = 0;
  int concurrency = (int)bounded(argv[2], CONCURRENCY_MAX);
  if (concurrency > total) concurrency = (int)total;
  took = calloc((size_t)total, sizeof *took);
  if (!took) die("memory");
  uint64_t since = now_us();
  for (; started < concurrency; started++) start((int)started, argv + 4);
  while (finished < total) {
    if (poll(pipes, (nfds_t)concurrency, -1) < 0 && errno != EINTR) die("poll");
    for (int at = 0; at < concurrency; at++)
      if (serve(at) && started < total) {
        start(at, argv + 4);
        started++;
      }
  }
  report(now_us() - since);
  return failed != 0;
}
