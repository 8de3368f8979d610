// Feeds the frame parser random bytes and mutated valid frames: fuzz-frame SEED ROUNDS, or fuzz-frame FILE.
// Built with the sanitizers only; every frame lies in a heap block of exactly its size.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

enum { SIZE_MAX_TRIED = 2048 };

static uint64_t state;
static unsigned long parsed, refused;
static volatile size_t used; // or the reads would be optimised away

static uint32_t next(uint32_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 16) % below;
}

// What the spawner and init do with a frame that parses: make C strings of it, in place.
static void use(struct frame *f) {
  static char *pointers[LIST_MAX + 1];
  struct str *strs[] = { &f->cwd, &f->path, &f->hostname, &f->label, &f->log };
  struct list *lists[] = { &f->argv, &f->env, &f->exclude };
  size_t sum = path_in_tmp(&f->path);
  for (int i = 0; i < 5; i++)
    if (strs[i]->at) sum += strlen(str_close(strs[i]));
  for (int i = 0; i < 3; i++) {
    if (!lists[i]->at) continue;
    list_close(lists[i], pointers);
    for (uint32_t k = 0; k < lists[i]->count; k++) sum += strlen(pointers[k]);
  }
  for (uint32_t i = 0; i < f->size; i++) sum += (unsigned char)f->bytes[i];
  used += sum;
}

static void feed(const char *bytes, size_t n) {
  char *block = malloc(n ? n : 1);
  struct frame f;
  const char *why = NULL;
  if (!block) abort();
  memcpy(block, bytes, n);
  frame_length(block, n, &why);
  if (frame_parse(block, n, &f)) refused++;
  else {
    parsed++;
    use(&f);
  }
  free(block);
}

static size_t put_u32(char *at, uint32_t n) {
  memcpy(at, &n, 4);
  return 4;
}

static size_t put_str(char *at) {
  uint32_t n = next(24);
  size_t head = put_u32(at, n);
  for (uint32_t i = 0; i < n; i++) at[head + i] = (char)('a' + next(26));
  if (n > 5 && next(3) == 0) memcpy(at + head, "/tmp/", 5);
  return head + n;
}

static size_t put_list(char *at) {
  uint32_t count = next(6);
  size_t n = put_u32(at, count);
  for (uint32_t i = 0; i < count; i++) n += put_str(at + n);
  return n;
}

static size_t put_random(char *at, size_t n) {
  for (size_t i = 0; i < n; i++) at[i] = (char)next(256);
  return n;
}

static size_t put_exec(char *at) {
  size_t n = put_random(at, 17);
  bool logged = at[4] & EXEC_LOGGED;
  n += put_str(at + n);
  n += put_list(at + n);
  n += put_list(at + n);
  if (logged) n += put_str(at + n);
  return logged ? n + put_random(at + n, 8) : n;
}

static size_t valid(char *at) {
  uint8_t type = (uint8_t)(1 + next(GRANT));
  size_t n = 0;
  at[n++] = (char)type;
  n += put_u32(at + n, type == HELLO || type == LIST || type == STOP ? 0 : 1 + next(9));
  switch (type) {
    case HELLO: n += put_random(at + n, 4); break;
    case CREATE: n += put_random(at + n, 24); n += put_str(at + n); break;
    case LIMIT: n += put_random(at + n, 16); break;
    case PUT: n += put_str(at + n); n += put_random(at + n, 5 + next(40)); break;
    case EXEC: n += put_exec(at + n); break;
    case KEEP: case ATTACH: n += put_str(at + n); break;
    case EGRESS: n += put_random(at + n, 2); n += put_str(at + n); break;
    case STDIN: n += put_random(at + n, 4 + next(40)); break;
    case RESIZE: case SIGNAL: case GRANT: n += put_random(at + n, 8); break;
    case COLLECT:
      n += put_random(at + n, 4);
      n += put_str(at + n);
      n += put_random(at + n, 12);
      n += put_list(at + n);
  }
  return n;
}

static size_t mutate(char *at, size_t n) {
  for (uint32_t i = next(6); i > 0; i--) {
    uint32_t where = next((uint32_t)n);
    if (next(2)) at[where] = (char)next(256);
    else at[where] ^= (char)(1 << next(8));
  }
  uint32_t how = next(6);
  if (how == 0) return next((uint32_t)n + 1);
  if (how == 1) return n + put_random(at + n, next(32));
  if (how == 2 && n > 12) put_u32(at + 5 + next((uint32_t)n - 9), next(2) ? 0xffffffffu - next(8) : next(64));
  return n;
}

static int feed_file(const char *path) {
  static char bytes[FRAME_MAX];
  FILE *file = fopen(path, "rb");
  if (!file) return 1;
  size_t n = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  feed(bytes, n);
  return 0;
}

int main(int argc, char **argv) {
  static char bytes[SIZE_MAX_TRIED];
  if (argc == 2) return feed_file(argv[1]);
  if (argc != 3) return 2;
  state = strtoull(argv[1], NULL, 10) * 0x9E3779B97F4A7C15u + 1;
  for (unsigned long rounds = strtoul(argv[2], NULL, 10); rounds > 0; rounds--) {
    size_t n = next(8) == 0 ? put_random(bytes, next(256)) : valid(bytes);
    if (n && next(3)) n = mutate(bytes, n);
    feed(bytes, n);
  }
  printf("{\"parsed\":%lu,\"refused\":%lu}\n", parsed, refused);
  return 0;
}
