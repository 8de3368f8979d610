// What the spawner and a container's init say to each other over their SOCK_SEQPACKET pair.
#ifndef LINK_H
#define LINK_H
#include <stdint.h>

// Spawner → init: first one empty-bodied GO packet; then whole control frames (EXEC, PUT, SIGNAL, COLLECT), cut into
// packets that each start with this head. Descriptors (stdin if any, stdout, stderr) ride on an EXEC's first packet.
struct piece {
  uint32_t total; // bytes of the whole frame
  uint32_t at;    // where this packet's bytes belong in it
};

enum { PACKET_MAX = 60 * 1024 };

// Spawner → init, instead of a control frame, whose types are all below these: make a socket of the container's network.
// It is answered by a REPORT_SOCKET with the same number, and the descriptor when there is no error.
enum knock_type { KNOCK_DIAL = 0xf0, KNOCK_LISTEN };

struct knock {
  uint8_t type, six; // six: ::1 instead of 127.0.0.1
  uint16_t port;
  uint32_t number;
};

enum report_kind { REPORT_READY = 1, REPORT_FAILED, REPORT_STARTED, REPORT_ENDED, REPORT_FILE, REPORT_SOCKET };

// Init → spawner. A FILE's bytes (the payload of the protocol's FILE frame) follow the struct.
struct report {
  uint32_t kind, exec;
  uint32_t error, how, code;
  uint32_t number, knock; // of a knock that is answered, and its type
  uint64_t user_us, sys_us, peak_bytes, wall_us;
  char stage[24];
};

#endif
