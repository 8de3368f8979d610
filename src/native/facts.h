// What this machine gives us and what it does not: for HELLO and for `membrane probe`.
#ifndef FACTS_H
#define FACTS_H
#include "sys.h"

// Why a limit or namespace cannot be had, one reason with its fix a line.
extern struct text weak;

void facts_say(struct text *out);
const char *facts_directory(void);
// Tries a child in all namespaces; adds to `weak` and returns false when they cannot be had.
bool facts_try_namespaces(void);
int facts_probe(const char *instance);

#endif
