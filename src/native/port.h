// Sockets of a container's network, made by its init for the spawner.
#ifndef PORT_H
#define PORT_H
#include "link.h"

// The socket, or -1 with errno. One that is still connecting is a success.
int port_open(const struct knock *k);

#endif
