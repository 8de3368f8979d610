/** Hostile programs: each ends for its typed cause, while the requests of other tenants keep succeeding. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { request } from "../support/client.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 6 })
}, 60_000)
afterAll(() => server.stop())

const run = (body: object) => request(server, "POST", "/execute", { body: { language: "bash", ttl: 20, ...body } })

/** Somebody else, who notices nothing. */
const neighbour = async (number: number) => {
  const { json, status } = await run({ code: `echo neighbour ${number}` })
  expect(status).toBe(200)
  expect(json).toMatchObject({ success: true, stdout: `neighbour ${number}\n` })
}

interface Hostile {
  readonly what: string
  readonly body: object
  readonly ends: object
}

const hostile: ReadonlyArray<Hostile> = [
  {
    what: "a fork bomb",
    body: { code: "bomb() { bomb | bomb & }; bomb; while :; do :; done", ttl: 3 },
    ends: { success: false, status: "timeout", cause: "ttl" }
  },
  {
    what: "a memory bomb",
    body: { language: "perl", code: "my @hoard; push @hoard, 'x' x (1 << 26) while 1;" },
    ends: { success: false, status: "failed", cause: "oom" }
  },
  {
    what: "a bomb of files",
    body: { code: "cat /dev/zero > /tmp/full; echo $?; head -c 1 /tmp/full | wc -c" },
    ends: { success: true, stdout: "1\n1\n" }
  },
  {
    what: "a flood of output",
    body: { code: "yes", ttl: 3 },
    ends: { success: false, status: "timeout", cause: "ttl", stdout_truncated: true }
  },
  {
    what: "an endless loop",
    body: { code: "while :; do :; done", ttl: 2 },
    ends: { success: false, status: "timeout", cause: "ttl" }
  },
  {
    what: "a daemon that leaves its session",
    body: { code: "setsid sh -c 'while :; do :; done' >/dev/null 2>&1 </dev/null & echo left", ttl: 10 },
    ends: { success: true, cause: "completed", stdout: "left\n" }
  },
  {
    what: "a thousand threads",
    body: {
      language: "c",
      code: `#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static pthread_mutex_t told = PTHREAD_MUTEX_INITIALIZER;
static void *spin(void *unused) { for (pthread_mutex_lock(&told), pthread_mutex_unlock(&told);;) (void)unused; }
int main(void) {
  int made = 0;
  pthread_t thread;
  pthread_mutex_lock(&told);
  while (made < 1000 && pthread_create(&thread, 0, spin, 0) == 0) made++;
  puts(made < 1000 ? "bounded" : "unbounded");
  fflush(stdout);
  pthread_mutex_unlock(&told);
  sleep(60);
}`,
      ttl: 5
    },
    ends: { success: false, status: "timeout", cause: "ttl", stdout: "bounded\n" }
  },
  {
    what: "a thousand processes",
    body: {
      language: "perl",
      code: 'my $n = 0; for (1..1000) { my $p = fork; if (!defined $p) { last } if (!$p) { sleep 60; exit } $n++ } print $n < 1000 ? "bounded\\n" : "unbounded\\n"; kill 9, -getpgrp;'
    },
    ends: { success: false, cause: "killed", signal: 9 }
  },
  {
    what: "a program that kills all it can",
    body: { code: "kill -9 -1; kill -9 1; echo still here" },
    ends: { success: true, stdout: "still here\n" }
  }
]

describe("beside a neighbour", () => {
  for (const { body, ends, what } of hostile)
    it.concurrent(what, async () => {
      const attack = run(body)
      let over = false
      const watched = attack.finally(() => {
        over = true
      })
      for (let number = 0; !over || number < 3; number += 1) await neighbour(number)
      const { json, status } = await watched
      expect(status).toBe(200)
      expect(json).toMatchObject(ends)
    })

  it("leaves the pools as they were", async () => {
    const health = await request(server, "GET", "/health", { sign: false })
    expect(health.status).toBe(200)
    const { json } = await request(server, "GET", "/pools")
    const well = { status: "healthy", circuit: "closed" }
    expect(json).toMatchObject({ pools: [well, well] })
  })
})
