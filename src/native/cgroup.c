// The machine's control groups, v1, v2 or both: one directory a slot in every hierarchy that limits something.
#define _GNU_SOURCE
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct cgroups cgroups;

enum { CEILING_PERCENT = 85 };

// Where a delegated group's own processes go, since a v2 group has either processes or children with controllers.
#define HOST_LEAF "unsandbox-host"

static char mounts[1 << 17], memberships[1 << 14];

// ---- finding the hierarchies ----

struct mount_line {
  char *root, *point, *type, *options;
};

static bool parse_mount(char *line, struct mount_line *m) {
  char *dash = strstr(line, " - "), *save = NULL;
  if (!dash) return false;
  *dash = 0;
  char *fields[5] = { strtok_r(line, " ", &save) };
  for (int i = 1; i < 5; i++) fields[i] = strtok_r(NULL, " ", &save);
  m->type = strtok_r(dash + 3, " ", &save);
  strtok_r(NULL, " ", &save);
  m->options = strtok_r(NULL, " \n", &save);
  m->root = fields[3];
  m->point = fields[4];
  return m->point && m->options;
}

static bool in_list(const char *list, const char *word) {
  size_t n = strlen(word);
  for (const char *at = list; (at = strstr(at, word)); at += n) {
    bool starts = at == list || at[-1] == ',' || at[-1] == ' ';
    if (starts && (at[n] == 0 || at[n] == ',' || at[n] == ' ' || at[n] == '\n')) return true;
  }
  return false;
}

// Our own path in the hierarchy that has `controller` (NULL: the unified one), from /proc/self/cgroup.
static bool own_path(const char *controller, char *out, size_t cap) {
  for (char *line = memberships; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
    char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
    char *end = path ? strchr(path, '\n') : NULL;
    if (!end) return false;
    TEXT(names, 256);
    say_n(&names, list + 1, (size_t)(path - list - 1));
    if (controller ? !in_list(names.at, controller) : names.len != 0) continue;
    if ((size_t)(end - path) > cap) return false;
    memcpy(out, path + 1, (size_t)(end - path - 1));
    out[end - path - 1] = 0;
    return true;
  }
  return false;
}

// Where our processes are, as a directory: mount point + (own path − mount root).
static int open_own(const struct mount_line *m, const char *own) {
  size_t root = strlen(m->root);
  const char *rest = own;
  if (strcmp(m->root, "/") != 0 && strncmp(own, m->root, root) == 0) rest = own + root;
  if (strncmp(rest, "/..", 3) == 0) rest = "";
  TEXT(path, 4096);
  sayf(&path, "%s%s", m->point, rest);
  int fd = open(path.at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 ? fd : open(m->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static struct hierarchy *add_hierarchy(int parent, int version, const char *name) {
  if (parent < 0 || cgroups.count == HIERARCHIES_MAX) return NULL;
  struct hierarchy *h = &cgroups.all[cgroups.count++];
  *h = (struct hierarchy){ .parent = parent, .dir = -1, .version = version };
  snprintf(h->name, sizeof h->name, "%s", name);
  return h;
}

static void find_v1(const struct mount_line *m) {
  bool memory = in_list(m->options, "memory") && !cgroups.memory, cpu = in_list(m->options, "cpu") && !cgroups.cpu;
  bool pids = in_list(m->options, "pids") && !cgroups.pids;
  bool freezer = in_list(m->options, "freezer") && !cgroups.freezer;
  const char *any = memory ? "memory" : cpu ? "cpu" : pids ? "pids" : freezer ? "freezer" : NULL;
  char own[4096];
  if (!any || !own_path(any, own, sizeof own)) return;
  struct hierarchy *h = add_hierarchy(open_own(m, own), 1, any);
  if (!h) return;
  h->memory = memory, h->cpu = cpu, h->pids = pids, h->freezer = freezer;
  if (memory) cgroups.memory = h;
  if (cpu) cgroups.cpu = h;
  if (pids) cgroups.pids = h;
  if (freezer) cgroups.freezer = h;
}

static bool is_root_group(int dir) {
  return faccessat(dir, "cgroup.type", F_OK, 0) != 0;
}

static bool lists(int dir, const char *file, const char *word) {
  char buf[1024];
  return read_at(dir, file, buf, sizeof buf) >= 0 && in_list(buf, word);
}

static const char *const wanted[] = { "memory", "cpu", "pids" };

static bool handed_down(int dir) {
  for (size_t i = 0; i < LENGTH(wanted); i++)
    if (lists(dir, "cgroup.controllers", wanted[i]) && !lists(dir, "cgroup.subtree_control", wanted[i])) return false;
  return true;
}

// Every v2 controller that no v1 hierarchy holds must reach our directory. All in one write: one by one, the kernel
// would turn a group with processes into a threaded one, below which nothing can be made.
static bool hand_down(int dir) {
  TEXT(words, 64);
  for (size_t i = 0; i < LENGTH(wanted); i++)
    if (lists(dir, "cgroup.controllers", wanted[i])) sayf(&words, "+%s ", wanted[i]);
  return handed_down(dir) || write_at(dir, "cgroup.subtree_control", words.at, words.len) == 0;
}

// A v2 group with processes of its own cannot hand controllers down: in a group that was delegated to us (or a
// container's root) the processes move into a leaf beside ours, as every nested container runtime does.
static bool make_room(int parent) {
  char value[8];
  bool delegated = cgroups.ordinary || fgetxattr(parent, "user.delegate", value, sizeof value) > 0 ||
                   fgetxattr(parent, "trusted.delegate", value, sizeof value) > 0 || strcmp(memberships, "0::/\n") == 0;
  if (!delegated || is_root_group(parent)) return false;
  if (mkdirat(parent, HOST_LEAF, 0755) && errno != EEXIST) return false;
  static char procs[1 << 15];
  if (read_at(parent, "cgroup.procs", procs, sizeof procs) < 0) return false;
  char *save = NULL;
  for (char *pid = strtok_r(procs, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save))
    write_text_at(parent, HOST_LEAF "/cgroup.procs", pid);
  return true;
}

static int unified_parent(const struct mount_line *m, char *own) {
  char *last = strrchr(own, '/');
  // A former start moved the server into its leaf: our place is beside it.
  if (last && strcmp(last + 1, HOST_LEAF) == 0) *last = 0;
  int parent = open_own(m, own);
  if (parent < 0 || handed_down(parent)) return parent;
  if ((is_root_group(parent) || make_room(parent)) && hand_down(parent)) return parent;
  if (cgroups.ordinary) return parent;
  int root = open(m->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return parent;
  hand_down(root);
  close(parent);
  return root;
}

static void find_v2(const struct mount_line *m) {
  char own[4096];
  if (cgroups.unified || !own_path(NULL, own, sizeof own)) return;
  struct hierarchy *h = add_hierarchy(unified_parent(m, own), 2, "unified");
  cgroups.unified = h;
}

static void find_mounts(bool unified) {
  static char copy[sizeof mounts];
  memcpy(copy, mounts, sizeof copy);
  char *next = NULL;
  for (char *line = copy; line && *line; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = 0;
    struct mount_line m;
    if (!parse_mount(line, &m)) continue;
    if (!unified && strcmp(m.type, "cgroup") == 0) find_v1(&m);
    if (unified && strcmp(m.type, "cgroup2") == 0) find_v2(&m);
  }
}

static ssize_t read_all(const char *path, char *buf, size_t cap) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  size_t len = 0;
  ssize_t n = 0;
  while (fd >= 0 && len < cap - 1 && (n = read(fd, buf + len, cap - 1 - len)) > 0) len += (size_t)n;
  if (fd >= 0) close(fd);
  buf[len] = 0;
  return fd < 0 ? -1 : (ssize_t)len;
}

static void find_swap(void) {
  char swaps[256];
  const char *first = read_all("/proc/swaps", swaps, sizeof swaps) > 0 ? strchr(swaps, '\n') : NULL;
  cgroups.swap_on_host = first && first[1];
}

void cgroups_find(const char *instance, bool privileged, struct text *weak) {
  cgroups.ordinary = !privileged;
  snprintf(cgroups.directory, sizeof cgroups.directory, "unsandbox-%s", instance);
  if (read_all("/proc/self/mountinfo", mounts, sizeof mounts) < 0 ||
      read_all("/proc/self/cgroup", memberships, sizeof memberships) < 0)
    sayf(weak, "control groups: /proc/self cannot be read (%s); mount /proc\n", strerror(errno));
  find_swap();
  find_mounts(false);
  find_mounts(true);
}

// ---- our directories ----

void group_signal(int dir) {
  char procs[4096], *save = NULL;
  if (read_at(dir, "cgroup.procs", procs, sizeof procs) <= 0) return;
  for (char *pid = strtok_r(procs, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save))
    if (atoi(pid) > 1) kill(atoi(pid), SIGKILL);
}

static void empty_group(int dir) {
  for (int i = 0; i < 2500; i++) {
    char procs[64];
    if (write_text_at(dir, "cgroup.kill", "1")) group_signal(dir);
    write_text_at(dir, "freezer.state", "THAWED");
    if (read_at(dir, "cgroup.procs", procs, sizeof procs) <= 0) return;
    usleep(2000);
  }
}

static int remove_group(int parent, const char *name) {
  for (int i = 0; i < 500; i++) {
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
    if (errno != EBUSY) return -1;
    usleep(2000);
  }
  return -1;
}

// Depth is bounded by what we make ourselves: tenants see no cgroup files.
static int remove_tree(int parent, const char *name) {
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? 0 : -1;
  DIR *dir = fdopendir(fd);
  if (!dir) return -1;
  int failed = 0;
  for (struct dirent *e; (e = readdir(dir));) {
    if (e->d_type != DT_DIR || e->d_name[0] == '.') continue;
    int child = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (child < 0) continue;
    empty_group(child);
    close(child);
    failed |= remove_group(fd, e->d_name);
  }
  empty_group(fd);
  closedir(dir);
  return remove_group(parent, name) || failed ? -1 : 0;
}

static void make_directory(struct hierarchy *h, struct text *weak) {
  remove_tree(h->parent, cgroups.directory);
  if (mkdirat(h->parent, cgroups.directory, 0755) && errno != EEXIST) {
    sayf(weak, "control group %s: cannot make a directory (%s); run as root, or in a unit with Delegate=yes\n", h->name,
         strerror(errno));
    return;
  }
  h->dir = openat(h->parent, cgroups.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void adopt_unified(struct hierarchy *h) {
  if (h->dir < 0) return;
  hand_down(h->dir);
  for (size_t i = 0; i < LENGTH(wanted); i++) {
    bool *has = i == 0 ? &h->memory : i == 1 ? &h->cpu : &h->pids;
    *has = lists(h->dir, "cgroup.subtree_control", wanted[i]);
  }
  if (h->memory && !cgroups.memory) cgroups.memory = h;
  if (h->cpu && !cgroups.cpu) cgroups.cpu = h;
  if (h->pids && !cgroups.pids) cgroups.pids = h;
  // cgroup.freeze lets a killed process die while frozen; v1's freezer does not.
  h->freezer = faccessat(h->dir, "cgroup.freeze", F_OK, 0) == 0;
  if (h->freezer) cgroups.freezer = h;
}

static uint64_t host_memory(void) {
  char info[512];
  uint64_t kb = 0;
  if (read_all("/proc/meminfo", info, sizeof info) > 0)
    for (char *at = strstr(info, "MemTotal:"); at && !parse_u64(at + 9 + strspn(at + 9, " "), &kb);) break;
  return kb * 1024;
}

// All tenants together stay below the machine's memory, so that a crowd of them cannot take the host down.
static void set_ceiling(struct text *weak) {
  struct hierarchy *h = cgroups.memory;
  uint64_t most = host_memory(), own = UINT64_MAX;
  const char *file = h->version == 1 ? "memory.limit_in_bytes" : "memory.max";
  if (number_at(h->parent, file, &own) == 0 && own < most) most = own;
  cgroups.ceiling = most / 100 * CEILING_PERCENT;
  cgroups.memsw = h->version == 1 && faccessat(h->dir, "memory.memsw.limit_in_bytes", F_OK, 0) == 0;
  if (write_u64_at(h->dir, file, cgroups.ceiling))
    sayf(weak, "memory ceiling: %s of our group cannot be written (%s); run as root\n", file, strerror(errno));
  if (h->version == 1 && !cgroups.memsw && cgroups.swap_on_host)
    say(weak, "swap limit: this kernel does not account swap; boot with swapaccount=1 or run swapoff -a\n");
}

static void drop(struct hierarchy **h) {
  if (*h && (*h)->dir < 0) *h = NULL;
}

static const char *fix(const char *controller) {
  static char text[192];
  const char *unit = cgroups.unified && !cgroups.memory && !cgroups.cpu && !cgroups.pids ? "v2" : "v1 or v2";
  snprintf(text, sizeof text, "enable the %s controller (%s), and run as root or in a systemd unit with Delegate=yes",
           controller, unit);
  return text;
}

// v1's freezer hierarchy is one more attach a container: it is kept only where v2's is missing.
static void drop_spare_freezer(void) {
  for (int i = 0; i < cgroups.count; i++) {
    struct hierarchy *h = &cgroups.all[i];
    if (h->memory || h->cpu || h->pids || h == cgroups.freezer || h == cgroups.unified || h->dir < 0) continue;
    close(h->dir);
    h->dir = -1;
    remove_group(h->parent, cgroups.directory);
  }
}

void cgroups_make(struct text *weak) {
  for (int i = 0; i < cgroups.count; i++) make_directory(&cgroups.all[i], weak);
  drop(&cgroups.memory), drop(&cgroups.cpu), drop(&cgroups.pids), drop(&cgroups.freezer);
  if (cgroups.unified) adopt_unified(cgroups.unified);
  drop(&cgroups.unified);
  drop_spare_freezer();
  if (!cgroups.memory) sayf(weak, "memory limit: no memory control group; %s\n", fix("memory"));
  else set_ceiling(weak);
  if (!cgroups.cpu) sayf(weak, "cpu limit: no cpu control group; %s\n", fix("cpu"));
  if (!cgroups.pids) sayf(weak, "process limit: no pids control group (an rlimit stands in); %s\n", fix("pids"));
  if (!cgroups.freezer) sayf(weak, "freezing: no freezer; %s\n", fix("freezer"));
}

int cgroups_remove(void) {
  int left = 0;
  for (int i = 0; i < cgroups.count; i++) {
    struct hierarchy *h = &cgroups.all[i];
    if (h->dir < 0) continue;
    close(h->dir);
    h->dir = -1;
    if (remove_tree(h->parent, cgroups.directory)) left++;
  }
  return left;
}

const char *cgroups_kind(void) {
  bool v1 = false, v2 = false;
  for (int i = 0; i < cgroups.count; i++) {
    if (cgroups.all[i].dir < 0) continue;
    v1 |= cgroups.all[i].version == 1;
    v2 |= cgroups.all[i].version == 2;
  }
  return v1 && v2 ? "hybrid" : v1 ? "v1" : v2 ? "v2" : "none";
}

const char *controller_version(const struct hierarchy *h) {
  return !h ? "none" : h->version == 1 ? "v1" : "v2";
}
