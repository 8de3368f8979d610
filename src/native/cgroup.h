// The machine's control groups, v1, v2 or both: one directory a slot in every hierarchy that limits something.
#ifndef CGROUP_H
#define CGROUP_H
#include "frame.h"
#include "sys.h"

enum { HIERARCHIES_MAX = 5 };

struct hierarchy {
  int parent; // where our directory is made
  int dir;    // our directory, with one child a slot
  int version;
  bool memory, cpu, pids, freezer;
  char name[96]; // for messages: the controllers, or "unified"
};

struct cgroups {
  struct hierarchy all[HIERARCHIES_MAX];
  int count;
  struct hierarchy *memory, *cpu, *pids, *freezer, *unified;
  bool memsw, swap_on_host, ordinary; // ordinary: not the host's root, whatever id that user has in its own namespace
  uint64_t ceiling;
  char directory[80];
};

extern struct cgroups cgroups;

// Finds the hierarchies; whatever cannot be had is added to `weak`, one reason with its fix a line.
void cgroups_find(const char *instance, bool privileged, struct text *weak);
// Kills and removes what a former spawner of this instance left, then makes our directories.
void cgroups_make(struct text *weak);
// Kills whatever is inside and removes our directories; the number of those that stayed.
int cgroups_remove(void);

const char *cgroups_kind(void);
// Kills every process that a group lists now.
void group_signal(int dir);
const char *controller_version(const struct hierarchy *h);

// A slot's directories. `old` are the limits they have now (all zero when just made). NULL, or the stage that failed.
const char *slot_make(unsigned slot);
int slot_remove(unsigned slot);
const char *slot_limit(unsigned slot, const struct limits *old, const struct limits *new);
// For clone3(CLONE_INTO_CGROUP), or -1 when there is no unified hierarchy.
int slot_open_unified(unsigned slot);
// Moves the calling process into every v1 hierarchy of the slot. 0, or -1 with errno.
int slot_enter(unsigned slot);
void slot_kill(unsigned slot);
int slot_freeze(unsigned slot, bool on);
// 1 when every process is in the wanted state, 0 when not yet, -1 with errno.
int slot_frozen(unsigned slot, bool on);
unsigned slot_left(unsigned slot);
void slot_reset_peak(unsigned slot);
uint64_t slot_peak(unsigned slot);
uint64_t slot_usage(unsigned slot);
uint64_t slot_oom_kills(unsigned slot);
// CPU time of everything that ever ran in the slot; false where no hierarchy accounts it.
bool slot_cpu(unsigned slot, uint64_t *user_us, uint64_t *sys_us);
// The limits lines of a seal, as the kernel has them now.
void slot_say_limits(unsigned slot, struct text *out);
// Whether a slot's directories must be made anew for the next container.
bool slots_are_single_use(void);

#endif
