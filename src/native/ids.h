// User ids of the containers: blocks of ranges, each block one spawner's alone for as long as it runs.
#ifndef IDS_H
#define IDS_H
#include <stdbool.h>
#include <stdint.h>

enum { ID_RANGE = 65536 };

// `locks` is the directory of the lock files; false when the ids are not mapped where we run.
bool ids_open(int locks);
bool ids_mapped(void);
// Takes further blocks until the slot has a range; false when no block is free.
bool ids_reach(uint32_t slot);
// Whether an id is some container's, of whatever spawner.
bool ids_are_tenants(uint32_t id);
// The first id of a slot's range.
uint32_t ids_of(uint32_t slot);
// Takes `unsandbox-NAME.lock` until the process ends; false when somebody else has it.
bool lock_file(int directory, const char *name);
// Removes the file of a lock that is held.
void unlock_file(int directory, const char *name);

#endif
