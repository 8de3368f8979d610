// The seal: what a container ended up with, read back from the kernel and never echoed from what was asked for.
#define _GNU_SOURCE
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"

static const char *const spaces[] = { "user", "mnt", "pid", "ipc", "uts", "net", "cgroup" };
static uint64_t host[LENGTH(spaces)];

// `dir` is /proc/PID, so that the pid is looked up once.
static int namespaces(int dir, uint64_t *inodes) {
  for (size_t i = 0; i < LENGTH(spaces); i++) {
    struct stat st;
    TEXT(path, 16);
    say(&path, "ns/");
    say(&path, spaces[i]);
    if (fstatat(dir, path.at, &st, 0)) return -1;
    inodes[i] = st.st_ino;
  }
  return 0;
}

// The spawner's own maps: in a user namespace of its own it sees ids otherwise than the host does.
struct range {
  unsigned long long inside, outside, count;
};

enum { RANGES_MAX = 8 };

static struct range uids[RANGES_MAX], gids[RANGES_MAX];

static void remember_map(int dir, const char *file, struct range *ranges) {
  char map[1024];
  if (read_at(dir, file, map, sizeof map) < 0) die("%s cannot be read: %s", file, strerror(errno));
  char *at = map;
  for (int i = 0; i < RANGES_MAX && at && *at; i++) {
    sscanf(at, "%llu %llu %llu", &ranges[i].inside, &ranges[i].outside, &ranges[i].count);
    at = strchr(at, '\n');
    if (at) at++;
  }
}

// As the host sees the id; one that is not mapped stays as it is.
static uint64_t on_host(const struct range *ranges, uint64_t id) {
  for (int i = 0; i < RANGES_MAX; i++)
    if (id >= ranges[i].inside && id - ranges[i].inside < ranges[i].count)
      return ranges[i].outside + (id - ranges[i].inside);
  return id;
}

void seal_remember_host(int proc, uint64_t user) {
  int self = openat(proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (self < 0 || namespaces(self, host)) die("/proc/self/ns cannot be read: %s", strerror(errno));
  remember_map(self, "uid_map", uids);
  remember_map(self, "gid_map", gids);
  close(self);
  if (user) host[0] = user;
}

static void say_namespaces(struct text *out, const char *prefix, const uint64_t *inodes) {
  for (size_t i = 0; i < LENGTH(spaces); i++) {
    say(out, prefix);
    say(out, spaces[i]);
    say(out, "=");
    say_u64(out, inodes[i]);
    say(out, "\n");
  }
}

// Words separated by blanks become words separated by `between`; with `ranges`, they are ids and become the host's.
static void say_words(struct text *out, const char *at, const char *end, char between, const struct range *ranges) {
  uint64_t id;
  bool first = true;
  while (at < end) {
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    const char *from = at;
    while (at < end && *at != ' ' && *at != '\t') at++;
    if (at == from) break;
    if (!first) say_n(out, &between, 1);
    if (ranges && parse_u64(from, &id)) say_u64(out, on_host(ranges, id));
    else say_n(out, from, (size_t)(at - from));
    first = false;
  }
}

static const struct {
  const char *key, *line;
  char between;
  const struct range *ranges;
} status_lines[] = {
  { "uid=", "Uid:", ',', uids },
  { "gid=", "Gid:", ',', gids },
  { "groups=", "Groups:", ' ', gids },
  { "capinh=", "CapInh:", ' ', NULL },
  { "capprm=", "CapPrm:", ' ', NULL },
  { "capeff=", "CapEff:", ' ', NULL },
  { "capbnd=", "CapBnd:", ' ', NULL },
  { "capamb=", "CapAmb:", ' ', NULL },
  { "nonewprivs=", "NoNewPrivs:", ' ', NULL },
  { "seccomp=", "Seccomp:", ' ', NULL },
};

static bool say_status(struct text *out, const char *status) {
  const char *at = status;
  for (size_t i = 0; i < LENGTH(status_lines); i++) {
    // The kernel prints them in this order: each search goes on where the last one ended.
    at = strstr(at, status_lines[i].line);
    const char *end = at ? strchr(at, '\n') : NULL;
    if (!end) return false;
    say(out, status_lines[i].key);
    say_words(out, at + strlen(status_lines[i].line), end, status_lines[i].between, status_lines[i].ranges);
    say(out, "\n");
    at = end;
  }
  return true;
}

static void say_interfaces(struct text *out, const char *table) {
  bool first = true;
  say(out, "net=");
  for (const char *at = table; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
    const char *colon = strchr(at, ':'), *end = strchr(at, '\n');
    if (!colon || (end && colon > end)) continue;
    while (*at == ' ') at++;
    if (!first) say(out, ",");
    say_n(out, at, (size_t)(colon - at));
    first = false;
  }
  say(out, "\n");
}

static void say_groups(struct text *out, char *table) {
  for (char *at = strchr(table, '\n'); at; at = strchr(at, '\n')) *at = at[1] ? ';' : 0;
  say(out, "cgroup=");
  say(out, table);
  say(out, "\n");
}

static void say_map(struct text *out, const char *key, const char *map, const struct range *ranges) {
  unsigned long long inside, outside, count;
  const char *end = strchr(map, '\n');
  say(out, key);
  if (sscanf(map, "%llu %llu %llu", &inside, &outside, &count) == 3)
    sayf(out, "%llu %llu %llu", inside, (unsigned long long)on_host(ranges, outside), count);
  if (end && end[1]) say(out, " more"); // a second range is nothing we wrote: it must not look like one
  say(out, "\n");
}

static int say_process(int dir, struct text *out, const char **stage) {
  static char buf[8192];
  uint64_t inodes[LENGTH(spaces)];
  *stage = "seal.ns";
  if (namespaces(dir, inodes)) return -1;
  *stage = "seal.status";
  if (read_at(dir, "status", buf, sizeof buf) < 0) return -1;
  errno = EPROTO;
  if (!say_status(out, buf)) return -1;
  say_namespaces(out, "ns.", inodes);
  say_namespaces(out, "host.", host);
  *stage = "seal.maps";
  if (read_at(dir, "uid_map", buf, sizeof buf) < 0) return -1;
  say_map(out, "uidmap=", buf, uids);
  if (read_at(dir, "gid_map", buf, sizeof buf) < 0) return -1;
  say_map(out, "gidmap=", buf, gids);
  *stage = "seal.net";
  if (read_at(dir, "net/dev", buf, sizeof buf) < 0) return -1;
  say_interfaces(out, buf);
  *stage = "seal.cgroup";
  if (read_at(dir, "cgroup", buf, sizeof buf) < 0) return -1;
  say_groups(out, buf);
  return 0;
}

int seal_read(int proc, pid_t pid, unsigned slot, struct text *out, const char **stage) {
  TEXT(path, 16);
  say_u64(&path, (uint64_t)pid);
  *stage = "seal.pid";
  int dir = openat(proc, path.at, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return -1;
  say(out, "pid=");
  say_u64(out, (uint64_t)pid);
  say(out, "\n");
  int result = say_process(dir, out, stage);
  int saved = errno;
  close(dir);
  errno = saved;
  if (result) return -1;
  slot_say_limits(slot, out);
  if (!out->over) return 0;
  errno = EOVERFLOW;
  return -1;
}
