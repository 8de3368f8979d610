// The few system calls, small-file reads and bounded text that everything else is made of.
#ifndef SYS_H
#define SYS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

// Text that never overflows: what does not fit is cut and `over` says so.
struct text {
  char *at;
  size_t cap, len;
  bool over;
};

#define TEXT(name, size) \
  char name##_bytes[size]; \
  struct text name = { name##_bytes, size, 0, false }; \
  name##_bytes[0] = 0

void say(struct text *t, const char *s);
void say_n(struct text *t, const char *s, size_t n);
void say_u64(struct text *t, uint64_t n);
void sayf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_json(struct text *t, const char *s);

// Whole small file into buf, NUL-terminated; -1 with errno.
ssize_t read_at(int dir, const char *path, char *buf, size_t cap);
int write_at(int dir, const char *path, const char *bytes, size_t n);
int write_text_at(int dir, const char *path, const char *s);
int write_u64_at(int dir, const char *path, uint64_t n);
// The first number in a small file; "max" reads as UINT64_MAX.
int number_at(int dir, const char *path, uint64_t *out);
// The number after `key ` at the start of some line.
bool number_after(const char *text, const char *key, uint64_t *out);
bool parse_u64(const char *s, uint64_t *out);

uint64_t now_us(void);
// Anonymous memory that forks do not copy: a container's birth must not pay for the spawner's tables.
void *arena(size_t bytes);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
