// Frames of the control protocol: pure parsing, no allocation, no system call.
#ifndef FRAME_H
#define FRAME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  PROTOCOL_VERSION = 2,
  FRAME_HEAD = 9,
  FRAME_MAX = (1 << 20) + 64,
  LIST_MAX = 16384,
  PATH_LENGTH_MAX = 4095,
  OUT_MAX = 1 << 16,
};

enum request {
  HELLO = 0x01, CREATE, LIMIT, PUT, EXEC, STDIN, RESIZE, SIGNAL, COLLECT, FREEZE, UNFREEZE, DESTROY, LIST,
  KEEP = 0x0f, ATTACH = 0x10, EGRESS = 0x12, STOP, SEAL, GRANT,
};

enum reply {
  R_HELLO = 0x81, R_CREATED, R_FAILED, R_LIMITED, R_STARTED, R_OUT, R_EXIT, R_FILE, R_GONE, R_FROZEN, R_THAWED,
  R_LISTING, R_ERROR, R_ROOM, R_KEPT, R_SEALED, R_ATTACHED, R_LISTENING,
};

enum { EXEC_TTY = 1, EXEC_STDIN = 2, EXEC_FINAL = 4, EXEC_LOGGED = 8, PUT_APPEND = 1 };

#define OUT_WINDOW 0xffffffffu // an out_cap: everything, as credit allows

struct str {
  char *at;
  uint32_t len;
};

// A validated list: `count` strs, each still behind its length.
struct list {
  char *at;
  uint32_t count;
};

struct limits {
  uint64_t memory;
  uint32_t cpu, pids;
};

struct frame {
  uint8_t type;
  uint32_t container, exec;
  struct limits limits;
  uint64_t tmp_bytes, max_bytes, log_cap;
  struct str hostname, path, cwd, label, log;
  struct list argv, env, exclude;
  uint32_t version, mode, flags, timeout_ms, out_cap, signo, max_files, credit;
  uint16_t cols, rows, port;
  char *bytes;
  uint32_t size;
};

// The bytes of one whole frame without its length field: NULL when it is well formed, else what is wrong.
const char *frame_parse(char *bytes, size_t n, struct frame *out);
// The length that a stream's next frame announces; 0 when there are not four bytes yet; *why when it is out of bounds.
uint32_t frame_length(const char *bytes, size_t have, const char **why);
// Makes a C string of a str in place (its bytes move over its own length field).
char *str_close(struct str *s);
// Makes C strings of a list in place; pointers has room for count + 1.
void list_close(struct list *l, char **pointers);
bool is_utf8(const char *bytes, size_t n);
// Absolute, normalised, and strictly below /tmp.
bool path_in_tmp(const struct str *path);

#endif
