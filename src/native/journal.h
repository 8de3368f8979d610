// Where a logged command's output goes: a bounded file of the host, filled by a helper beside the spawner.
#ifndef JOURNAL_H
#define JOURNAL_H
#include "frame.h"
#include "helper.h"

struct exec;

struct journal {
  struct helper helper;
  int sock; // its end says: take what is there, and then go
};

// Opens the file and starts the helper; *pipe is what the command writes to. 0, or an errno.
int journal_begin(struct exec *x, const struct frame *f, int *pipe);
// Nothing more is written, or nothing that is waited for: exec_logged is called when the rest is in the file.
void journal_conclude(struct exec *x);
void journal_drop(struct exec *x);

#endif
