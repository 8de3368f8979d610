// The spawner's loop.
#ifndef LOOP_H
#define LOOP_H

// Says "ready", serves one control connection, and returns when it has ended and every container is gone.
void loop_run(void);

#endif
