// A tight client of the spawner, for measuring: N times create → exec → destroy with so many containers in flight.
// cycle SOCKET N CONCURRENCY -- argv… ; with --idle N it creates N containers, prints memory per container, and leaves.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int sock;
static char in[4 << 20], out[1 << 20];
static size_t have, used;
static uint64_t *born, *created;
static uint32_t *took, *creating;
static long done, started, failures;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what) {
  fprintf(stderr, "cycle: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void put(const void *bytes, size_t n) {
  memcpy(out + used, bytes, n);
  used += n;
}

static void u32(uint32_t n) {
  put(&n, 4);
}

static void str(const char *s) {
  u32((uint32_t)strlen(s));
  put(s, strlen(s));
}

static size_t begin(uint8_t type, uint32_t container) {
  size_t at = used;
  u32(0);
  put(&type, 1);
  u32(container);
  return at;
}

static void end(size_t at) {
  uint32_t n = (uint32_t)(used - at - 4);
  memcpy(out + at, &n, 4);
}

static void flush_out(void) {
  for (size_t at = 0; at < used;) {
    ssize_t n = send(sock, out + at, used - at, 0);
    if (n < 0) die("send");
    at += (size_t)n;
  }
  used = 0;
}

static void create(uint32_t id) {
  uint64_t memory = 256u << 20, tmp = 64u << 20;
  size_t at = begin(2, id);
  put(&memory, 8);
  u32(1000);
  u32(64);
  put(&tmp, 8);
  str("box");
  end(at);
  born[id] = now_us();
  started++;
}

static void exec(uint32_t id, char **argv, uint32_t argc) {
  size_t at = begin(5, id);
  uint8_t flags = 4;
  u32(1);
  put(&flags, 1);
  u32(10000);
  u32(1 << 20);
  u32(0);
  str("/tmp");
  u32(argc);
  for (uint32_t i = 0; i < argc; i++) str(argv[i]);
  u32(1);
  str("PATH=/usr/bin:/bin");
  end(at);
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void serve(uint8_t type, uint32_t id, const char *p, char **argv, uint32_t argc) {
  if (type == 0x82) {
    creating[id - 1] = (uint32_t)(now_us() - born[id]);
    if (argc) exec(id, argv, argc);
    else done++;
  } else if (type == 0x83) {
    failures++;
    done++;
    fprintf(stderr, "failed: %.*s\n", 60, p + 12);
  } else if (type == 0x87) failures += p[4] != 0 || p[5] != 0;
  else if (type == 0x89) took[done++] = (uint32_t)(now_us() - born[id]);
}

static void pump(char **argv, uint32_t argc) {
  ssize_t n = recv(sock, in + have, sizeof in - have, 0);
  if (n <= 0) die("recv");
  have += (size_t)n;
  size_t at = 0;
  for (uint32_t size; have - at >= 4; at += 4 + size) {
    memcpy(&size, in + at, 4);
    if (have - at < 4 + (size_t)size) break;
    uint32_t id;
    memcpy(&id, in + at + 5, 4);
    serve((uint8_t)in[at + 4], id, in + at + 9, argv, argc);
  }
  memmove(in, in + at, have - at);
  have -= at;
}

static long available_kb(void) {
  char line[128];
  long kb = 0;
  FILE *f = fopen("/proc/meminfo", "r");
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "MemAvailable: %ld", &kb) == 1) break;
  if (f) fclose(f);
  return kb;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  long total = atol(argv[2]), flight = atol(argv[3]), before = available_kb();
  uint32_t count = argc > 5 ? (uint32_t)argc - 5 : 0;
  strncpy(a.sun_path, argv[1], sizeof a.sun_path - 1);
  sock = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(sock, (struct sockaddr *)&a, sizeof a)) die("connect");
  born = calloc((size_t)total + 2, 8), created = calloc((size_t)total + 2, 8);
  took = calloc((size_t)total + 2, 4), creating = calloc((size_t)total + 2, 4);
  size_t at = begin(1, 0);
  u32(2);
  end(at);
  uint64_t since = now_us();
  while (done < total) {
    while (started < total && started - done < flight) create((uint32_t)started + 1);
    flush_out();
    pump(argv + 5, count);
  }
  uint64_t elapsed = now_us() - since;
  qsort(took, (size_t)total, 4, by_size);
  qsort(creating, (size_t)total, 4, by_size);
  printf("{\"per_s\":%.1f,\"cycle_p50_us\":%u,\"cycle_p99_us\":%u,\"create_p50_us\":%u,\"create_p99_us\":%u,\"failures\":%ld",
         (double)total * 1e6 / (double)elapsed, took[total / 2], took[total * 99 / 100], creating[total / 2],
         creating[total * 99 / 100], failures);
  if (!count) {
    sleep(1);
    printf(",\"kb_each\":%ld", (before - available_kb()) / total);
  }
  printf("}\n");
  return failures != 0;
}
