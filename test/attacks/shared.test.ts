/** What the kernel counts for a whole machine or a whole user: one tenant can neither use it up nor outlive its end by it. */
import { execFileSync } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 4 })
}, 60_000)
afterAll(() => server.stop())

const run = async (language: string, code: string, ttl = 20) => {
  const { json, status } = await request(server, "POST", "/execute", { body: { language, code, ttl } })
  expect(status).toBe(200)
  return json
}

const counted = `import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
librt = ctypes.CDLL("librt.so.1", use_errno=True)
libc.sigqueue.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
attributes = (ctypes.c_long * 8)(0, 10, 8192)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
queues = 0
def watch():
    return libc.inotify_init1(0) >= 0
def queue():
    global queues
    queues += 1
    name = b"/unsandbox-%d-%d" % (os.getpid(), queues)
    made = librt.mq_open(name, os.O_CREAT | os.O_RDWR, 0o600, attributes) >= 0
    librt.mq_unlink(name)
    return made
def pend():
    return libc.sigqueue(os.getpid(), signal.SIGRTMIN, None) == 0
def terminal():
    try: return os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY) >= 0
    except OSError: return False
`
const takeAll = `${counted}
for take in (watch, queue, pend, terminal):
    while take(): pass
print("taken", flush=True)
time.sleep(30)
`
const takeOne = `${counted}
print([take() for take in (watch, queue, pend, terminal)])
`

/** A tenant that holds all it can get, until it is told to end. */
const hog = async () => {
  const accepted = await request(server, "POST", "/execute/async", {
    body: { language: "python", code: takeAll, ttl: 40 }
  })
  expect(accepted.status).toBe(202)
  const job = `/jobs/${String(accepted.json.job_id)}`
  await eventually("it runs", async () => (await request(server, "GET", job)).json.status === "running")
  await sleep(1_500)
  return async () => void (await request(server, "DELETE", job))
}

/** Pid 1 must run to take its namespace down. */
const starve = `#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
int main() {
  struct sched_param none = { 0 };
  printf("%d ", sched_setscheduler(1, SCHED_IDLE, &none));
  printf("%d ", setpriority(PRIO_PROCESS, 1, 19));
  printf("%d\\n", setpriority(PRIO_USER, 0, 19));
  fflush(stdout);
  for (int i = 0; i < 400; i++) if (fork() == 0) for (;;);
  for (;;);
}`

describe("one tenant", () => {
  it("uses up no watches, queues, signals or terminals but its own", async () => {
    const end = await hog()
    const [here, there] = await Promise.all([
      execFileSync("python3", ["-c", takeOne], { encoding: "utf8" }),
      run("python", takeOne)
    ])
    await end()
    expect(here).toBe("[True, True, True, True]\n")
    expect(there.stdout).toBe("[True, True, True, True]\n")
  }, 30_000)

  it("is not told what others open and read", async () => {
    const spy = `import ctypes, fcntl, os
libc = ctypes.CDLL(None, use_errno=True)
watches = libc.inotify_init1(0)
for mask in (0x1, 0x10, 0x20, 0xfff): print(libc.inotify_add_watch(watches, b"/usr/bin", mask))
print(libc.inotify_add_watch(watches, b"/tmp", 0x3ce) > 0)
try: print(fcntl.fcntl(os.open("/usr/bin", os.O_RDONLY), 1026, 1))
except OSError as e: print(e.strerror)`
    expect((await run("python", spy)).stdout).toBe("-1\n-1\n-1\n-1\nTrue\nOperation not permitted\n")
  })

  it("cannot keep its container alive by starving its init", async () => {
    const ended = await run("c", starve, 3)
    expect(ended).toMatchObject({ status: "timeout", cause: "ttl", stdout: "-1 -1 -1\n" })
  }, 60_000)

  it("never has the host handle its crash", async () => {
    const limits = "ulimit -c 0; ulimit -c unlimited 2>/dev/null; grep 'core file' /proc/self/limits"
    expect((await run("bash", limits)).stdout).toMatch(/^Max core file size +1 +1 +bytes/)
  })

  it("makes the host load no protocol and no line discipline", async () => {
    const ask = `import fcntl, os, pty, socket
for protocol in (33, 132, 136, 262):
    try: socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol); print("had", protocol)
    except OSError as e: print(e.strerror)
try: fcntl.ioctl(pty.openpty()[1], 0x5423, (15).to_bytes(4, "little")); print("had")
except OSError as e: print(e.strerror)`
    const refused = "Protocol not supported\n".repeat(4)
    expect((await run("python", ask)).stdout).toBe(`${refused}Operation not permitted\n`)
  })
})
