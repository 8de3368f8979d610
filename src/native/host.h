// The host's files, for a spawner that has left them: volumes, logs and sockets are named by the host's paths.
#ifndef HOST_H
#define HOST_H

// Before the spawner takes its own root.
void host_remember(int privileged);
// Moves the calling process, a helper, back among the host's mounts. 0, or -1 with errno.
int host_enter(void);
int host_space(void);
// Opens an absolute path of the host without going there; -1 with errno.
int host_open(const char *path, int flags, unsigned mode);

#endif
