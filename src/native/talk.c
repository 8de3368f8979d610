// What the spawner and a container's init say to each other: whole frames one way, reports the other.
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "egress.h"
#include "link.h"
#include "spawner.h"

enum { QUEUE_BYTES_MAX = 16 << 20, INCOMING_MAX = PACKET_MAX + 64 };

static char *packet;

void talk_open(void) {
  packet = arena(INCOMING_MAX);
}

static int send_packet(struct box *b, struct block *p) {
  union {
    char bytes[CMSG_SPACE(3 * sizeof(int))];
    struct cmsghdr align;
  } control = { { 0 } };
  struct iovec io = { p->bytes, p->len };
  struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
  size_t fds = (size_t)p->fd_count * sizeof(int);
  if (fds) {
    m.msg_control = control.bytes;
    m.msg_controllen = CMSG_SPACE(fds);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(fds) };
    memcpy(CMSG_DATA(c), p->fds, fds);
  }
  return sendmsg(b->sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno : 0;
}

static void box_flush(struct box *b) {
  int error = 0;
  while (b->queue.first && (error = send_packet(b, b->queue.first)) != EAGAIN) {
    b->queue.bytes -= b->queue.first->len;
    queue_pop(&b->queue); // another error means that init is dead, which its end will tell
  }
  bool full = b->queue.first;
  if (full != b->sock_full) box_watch(b, full, true);
  b->sock_full = full;
}

int box_tell(struct box *b, const char *bytes, uint32_t n, const int *fds, int fd_count) {
  if (b->queue.bytes + n > QUEUE_BYTES_MAX) goto refuse;
  for (uint32_t at = 0; at < n || at == 0; at += PACKET_MAX) {
    uint32_t size = n - at < PACKET_MAX ? n - at : PACKET_MAX;
    struct block *p = queue_push(&b->queue);
    if (!p && at == 0) goto refuse;
    if (!p) {
      box_destroy(b, GONE_INIT); // half a frame is on its way: what init would make of the next is not known
      return ENOBUFS;
    }
    struct piece head = { n, at };
    memcpy(p->bytes, &head, sizeof head);
    memcpy(p->bytes + sizeof head, bytes + at, size);
    p->len = size + (uint32_t)sizeof head;
    b->queue.bytes += p->len;
    for (int i = 0; at == 0 && i < fd_count; i++) p->fds[p->fd_count++] = fds[i];
  }
  box_flush(b);
  return 0;
refuse:
  for (int i = 0; i < fd_count; i++) close(fds[i]);
  return ENOBUFS;
}

// The payload of a FILE frame, checked before it is passed on: exec, path, mode, size, last.
static void pass_file(struct box *b, const struct report *r, const char *bytes, size_t n) {
  struct exec *x = exec_by_inner(b, r->exec);
  uint32_t exec = 0, path = 0;
  if (n >= 8) {
    memcpy(&exec, bytes, 4);
    memcpy(&path, bytes + 4, 4);
  }
  if (!x || !x->collect || x->orphan || exec != x->inner || n < 21 || path > n - 21 || path > PATH_LENGTH_MAX) return;
  if (memchr(bytes + 8, 0, path) || !is_utf8(bytes + 8, path)) return;
  out_begin(R_FILE, b->id);
  out_u32(x->id);
  out_bytes(bytes + 4, n - 4);
  out_end();
}

static void on_failed(struct box *b, const struct report *r) {
  char stage[sizeof r->stage + 1] = { 0 };
  memcpy(stage, r->stage, sizeof r->stage);
  if (!b->announced) {
    box_blame(b, r->error, stage);
    return;
  }
  struct exec *x = r->exec ? exec_by_inner(b, r->exec) : NULL;
  if (x) exec_failed(x, r->error, stage);
  else if (!r->exec) send_failed(b->id, 0, r->error, stage, strerror((int)r->error));
}

static void count_ended(struct box *b, const struct report *r) {
  b->told_user_us += r->user_us;
  b->told_sys_us += r->sys_us;
}

static void on_report(struct box *b, const struct report *r, size_t n, int fd) {
  struct exec *x = exec_by_inner(b, r->exec);
  enum how how = r->how ? HOW_SIGNALLED : HOW_EXITED;
  struct ending ending = { how, r->code, r->user_us, r->sys_us, r->peak_bytes, r->wall_us };
  switch (r->kind) {
    case REPORT_READY:
      if (b->state == BOX_BORN) box_sealed(b);
      break;
    case REPORT_FAILED: on_failed(b, r); break;
    case REPORT_STARTED:
      if (x && !x->started) {
        exec_started(x, fd);
        return;
      }
      break;
    case REPORT_ENDED:
      if (!x) break;
      count_ended(b, r);
      exec_ended(x, &ending);
      break;
    case REPORT_SOCKET:
      if (r->knock == KNOCK_LISTEN) egress_answered(b, r->number, r->error, fd);
      else dial_answered(b, r->number, r->error, fd);
      return;
    case REPORT_FILE: pass_file(b, r, (const char *)(r + 1), n - sizeof *r); break;
  }
  if (fd >= 0) close(fd);
}

static int passed_descriptor(struct msghdr *m) {
  struct cmsghdr *c = CMSG_FIRSTHDR(m);
  int fd = -1;
  if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(c), sizeof fd);
  return fd;
}

// One report: true when there may be more.
bool box_hear(struct box *b) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec io = { packet, INCOMING_MAX };
  struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control };
  ssize_t n = recvmsg(b->sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n < (ssize_t)sizeof(struct report)) {
    unwatch(b->sock); // its end: the rest is told by SIGCHLD
    return false;
  }
  on_report(b, (struct report *)(void *)packet, (size_t)n, passed_descriptor(&m));
  return true;
}

void box_ready(struct box *b, uint32_t events) {
  uint32_t generation = b->generation;
  if (events & 4) box_flush(b); // EPOLLOUT
  for (int i = 0; i < 4 && !outbox_high() && b->generation == generation && b->sock >= 0; i++)
    if (!box_hear(b)) return;
}

