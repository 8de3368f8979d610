// What the membrane promises of a container: made, sealed, run, bounded, frozen, ended, proved gone.
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { build, cgroupsOf, exit, failure, gone, list, Membrane, seal, str, Type, u8, u16, u32, u64 } from "./wire.js"

let membrane: Membrane
let next = 0

beforeAll(async () => {
  build()
  membrane = await Membrane.start()
  await membrane.hello()
})

afterAll(async () => {
  expect(await membrane.stop()).toBe(0)
  expect(cgroupsOf(membrane.name)).toEqual([])
})

const fresh = async (limits = {}) => {
  const container = ++next
  return { container, seal: await membrane.created(container, limits) }
}

const destroyed = async (container: number) => {
  membrane.send(Type.DESTROY, container)
  return gone((await membrane.next(Type.GONE, container)).body)
}

describe("a container's life", () => {
  it("runs a command, with its output, exit code and rusage", async () => {
    const { container } = await fresh()
    const run = await membrane.shell(container, "echo out; echo err >&2; exit 7")
    expect(run).toMatchObject({
      stdout: "out\n",
      stderr: "err\n",
      end: { how: 0, code: 7, stdout: 4, stderr: 4, flags: 0 }
    })
    expect(run.end.peak).toBeGreaterThan(500_000)
    expect(await destroyed(container)).toMatchObject({ reason: 0, left: 0 })
  })

  it("passes environment, cwd, stdin and arguments", async () => {
    const { container } = await fresh()
    const number = membrane.exec(container, ["bash", "-c", 'echo "$A|$PWD|$1"; cat', "x", "one two"], {
      flags: 2,
      cwd: "/home/sandbox",
      env: ["A=b c", "PATH=/usr/bin"]
    })
    membrane.send(Type.STDIN, container, u32(number), Buffer.from("typed"))
    membrane.send(Type.STDIN, container, u32(number))
    expect((await membrane.finish(container, number)).stdout).toBe("b c|/home/sandbox|one two\ntyped")
    await destroyed(container)
  })

  it("names the errno of a command that cannot start", async () => {
    const { container } = await fresh()
    membrane.exec(container, ["no-such-program"])
    expect(failure((await membrane.next(Type.FAILED, container)).body)).toMatchObject({ errno: 2, stage: "execve" })
    membrane.exec(container, ["true"], { cwd: "/nowhere" })
    expect(failure((await membrane.next(Type.FAILED, container)).body)).toMatchObject({ errno: 2, stage: "chdir" })
    await destroyed(container)
  })

  it("gives a terminal of the container's own, and resizes it", async () => {
    const { container } = await fresh()
    const number = membrane.exec(container, ["bash", "-c", "stty size; read line; stty size; tty; exit 3"], {
      flags: 1
    })
    await membrane.match((f) => f.type === Type.OUT && f.body.toString("utf8", 5).includes("24 80"))
    membrane.send(Type.RESIZE, container, u32(number), u16(132), u16(43))
    membrane.send(Type.STDIN, container, u32(number), Buffer.from("go\n"))
    const run = await membrane.finish(container, number)
    expect(run.stdout).toContain("43 132")
    expect(run.stdout).toContain("/dev/pts/0")
    expect(run.end.code).toBe(3)
    await destroyed(container)
  })

  it("signals an exec's process group", async () => {
    const { container } = await fresh()
    const number = membrane.exec(container, ["bash", "-c", "sleep 60; true"])
    await membrane.next(Type.STARTED, container)
    membrane.send(Type.SIGNAL, container, u32(number), u32(15))
    expect((await membrane.finish(container, number)).end).toMatchObject({ how: 1, code: 15 })
    await destroyed(container)
  })

  it("takes the stop of a command that asked to be traced for no end", async () => {
    const { container } = await fresh()
    const stopping = `import ctypes, os
print(os.getpid(), ctypes.CDLL(None).ptrace(0, 0, 0, 0), flush=True)
os.kill(os.getpid(), 10)`
    const number = membrane.exec(container, ["python3", "-c", stopping])
    const said = await membrane.match((f) => f.container === container && f.type === Type.OUT)
    const [pid, traced] = said.body.toString("utf8", 5).trim().split(" ")
    expect(traced).toBe("0")
    const stopped = await membrane.shell(
      container,
      `until grep -q 't (tracing' /proc/${pid}/status; do :; done; echo yes`
    )
    expect(stopped.stdout).toBe("yes\n")
    membrane.send(Type.SIGNAL, container, u32(number), u32(9))
    expect((await membrane.finish(container, number)).end).toMatchObject({ how: 1, code: 9 })
    await destroyed(container)
  })

  it("destroys the container when a final exec ends, background processes included", async () => {
    const { container } = await fresh()
    const run = await membrane.shell(container, "setsid sleep 300 & echo done", { flags: 4 })
    expect(run.stdout).toBe("done\n")
    expect(gone((await membrane.next(Type.GONE, container)).body)).toMatchObject({ reason: 0, left: 0 })
  })

  it("refuses what cannot be honoured without ending the connection", async () => {
    membrane.create(++next, { memory: 1 })
    expect(failure((await membrane.next(Type.FAILED, next)).body)).toMatchObject({ exec: 0, errno: 22 })
    membrane.exec(999_999, ["true"])
    expect(failure((await membrane.next(Type.FAILED, 999_999)).body)).toMatchObject({ errno: 3, stage: "container" })
    const { container } = await fresh()
    membrane.create(container)
    expect(failure((await membrane.next(Type.FAILED, container)).body)).toMatchObject({ errno: 17, stage: "create" })
    await destroyed(container)
  })

  it("lives on after somebody kills a container's control group: its place is as good as new", async () => {
    const { container, seal } = await fresh()
    const path = seal.get("cgroup")?.match(/(?:^|;)0::(.*?)(?:;|$)/)?.[1] ?? ""
    const unified = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((mount) =>
      existsSync(`${mount}${path}/cgroup.kill`)
    )
    if (path !== "/" && unified !== undefined) writeFileSync(`${unified}${path}/cgroup.kill`, "1")
    else process.kill(Number(seal.get("pid")), "SIGKILL")
    expect(gone((await membrane.next(Type.GONE, container)).body)).toMatchObject({ reason: 1, left: 0 })
    for (let i = 0; i < 3; i++) await destroyed((await fresh()).container)
  })

  it("lists what there is", async () => {
    const { container } = await fresh()
    expect([...(await membrane.list())]).toEqual([
      [container, { state: 1, kept: false, label: "", hostname: "box", execs: [] }]
    ])
    await destroyed(container)
  })
})

describe("the seal", () => {
  const idsOf = (status: string, key: string) =>
    status.match(new RegExp(`^${key}:\\s*(.*)$`, "m"))?.[1]?.trim() ?? "missing"

  it("is what /proc and the control groups say to anybody else", async () => {
    const limits = { memory: 128 << 20, cpu: 750, pids: 33 }
    const { container, seal } = await fresh(limits)
    const pid = seal.get("pid") ?? ""
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    expect(seal.get("uid")).toBe(idsOf(status, "Uid").replaceAll("\t", ","))
    expect(seal.get("gid")).toBe(idsOf(status, "Gid").replaceAll("\t", ","))
    expect(seal.get("groups")).toBe("")
    for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"]) {
      expect(seal.get(`cap${set.toLowerCase()}`)).toBe("0".repeat(16))
      expect(idsOf(status, `Cap${set}`)).toBe("0".repeat(16))
    }
    expect([seal.get("nonewprivs"), idsOf(status, "NoNewPrivs")]).toEqual(["1", "1"])
    expect([seal.get("seccomp"), idsOf(status, "Seccomp")]).toEqual(["2", "2"])
    for (const space of ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"]) {
      expect(seal.get(`ns.${space}`)).toBe(String(statSync(`/proc/${pid}/ns/${space}`).ino))
      expect(seal.get(`host.${space}`)).toBe(String(statSync(`/proc/self/ns/${space}`).ino))
      expect(seal.get(`ns.${space}`)).not.toBe(seal.get(`host.${space}`))
    }
    const words = (file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8").trim().split(/\s+/).join(" ")
    expect(seal.get("uidmap")).toBe(words("uid_map"))
    expect(seal.get("gidmap")).toBe(words("gid_map"))
    expect(seal.get("net")).toBe("lo")
    expect(seal.get("cgroup")).toBe(readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n").join(";"))
    expect([seal.get("memory"), seal.get("cpu"), seal.get("pids")]).toEqual([String(limits.memory), "750", "33"])
    expect(["0", "-1"]).toContain(seal.get("swap"))
    await destroyed(container)
  })

  it("gives every container ids and namespaces of its own", async () => {
    const [a, b] = [await fresh(), await fresh()]
    for (const key of ["uid", "uidmap", "ns.user", "ns.mnt", "ns.pid", "ns.ipc", "ns.uts", "ns.net", "ns.cgroup"])
      expect(a.seal.get(key)).not.toBe(b.seal.get(key))
    await Promise.all([destroyed(a.container), destroyed(b.container)])
  })

  it("is read again when limits change", async () => {
    const { container } = await fresh()
    for (const memory of [64 << 20, 512 << 20]) {
      membrane.send(Type.LIMIT, container, u64(memory), u32(250), u32(12))
      const now = seal((await membrane.next(Type.LIMITED, container)).body)
      expect([now.get("memory"), now.get("cpu"), now.get("pids")]).toEqual([String(memory), "250", "12"])
    }
    await destroyed(container)
  })
})

describe("bounds", () => {
  it("kills a container that outlives its deadline, and says what was written", async () => {
    const { container } = await fresh()
    const run = await membrane.shell(container, "echo before; setsid sleep 300 & while :; do :; done", { timeout: 300 })
    expect(run).toMatchObject({ stdout: "before\n", end: { how: 2, code: 9 } })
    expect(run.end.cpu).toBeGreaterThan(10_000)
    expect(gone((await membrane.next(Type.GONE, container)).body)).toMatchObject({ reason: 2, left: 0 })
  })

  it("does so although the command stopped for one who traces it", async () => {
    const { container } = await fresh()
    const stopping = "import ctypes, os; ctypes.CDLL(None).ptrace(0, 0, 0, 0); os.kill(os.getpid(), 10)"
    const number = membrane.exec(container, ["python3", "-c", stopping], { timeout: 500 })
    expect((await membrane.finish(container, number)).end).toMatchObject({ how: 2, code: 9 })
    expect(gone((await membrane.next(Type.GONE, container)).body)).toMatchObject({ reason: 2, left: 0 })
  })

  it("keeps the cap's bytes of each stream, counts the rest, and says truncated", async () => {
    const { container } = await fresh()
    const run = await membrane.shell(container, "head -c 3000000 /dev/zero; head -c 10 /dev/zero >&2", { cap: 100_000 })
    expect(run.stdout.length).toBe(100_000)
    expect(run.end).toMatchObject({ how: 0, stdout: 3_000_000, stderr: 10, flags: 1 })
    await destroyed(container)
  })

  it("tells an out-of-memory kill from others, and the container lives on", async () => {
    const { container } = await fresh({ memory: 48 << 20 })
    const bomb = await membrane.shell(container, "exec head -c 300m /dev/zero | tail")
    expect(bomb.end.flags & 4).toBe(4)
    const after = await membrane.shell(container, "echo alive")
    expect(after).toMatchObject({ stdout: "alive\n", end: { flags: 0 } })
    await destroyed(container)
  })

  it("stops a fork bomb at the pids limit while a neighbour runs", async () => {
    const [bomber, neighbour] = [await fresh({ pids: 20 }), await fresh()]
    const number = membrane.exec(bomber.container, ["bash", "-c", "f() { f | f & }; f; sleep 60"], { timeout: 1500 })
    for (let i = 0; i < 5; i++) expect((await membrane.shell(neighbour.container, "echo ok")).stdout).toBe("ok\n")
    await membrane.finish(bomber.container, number)
    expect(gone((await membrane.next(Type.GONE, bomber.container)).body).left).toBe(0)
    await destroyed(neighbour.container)
  })

  it("bounds the writable tmpfs", async () => {
    const { container } = await fresh({ tmp: 1 << 20 })
    const run = await membrane.shell(
      container,
      "head -c 5000000 /dev/zero > /tmp/x; stat -c %s /tmp/x; touch /dev/shm/a"
    )
    expect(Number(run.stdout)).toBe(1 << 20)
    await destroyed(container)
  })

  it("gives credit for standard input as it is read, so that any amount flows", async () => {
    const { container } = await fresh()
    const number = membrane.exec(container, ["bash", "-c", "sleep 0.3; wc -c"], { flags: 2 })
    const chunk = Buffer.alloc(1 << 18)
    for (let sent = 0, credit = 1 << 20; sent < 5 << 20; sent += chunk.length, credit -= chunk.length) {
      while (credit < chunk.length) credit += (await membrane.next(Type.ROOM, container)).body.readUInt32LE(4)
      membrane.send(Type.STDIN, container, u32(number), chunk)
    }
    membrane.send(Type.STDIN, container, u32(number))
    expect((await membrane.finish(container, number)).stdout.trim()).toBe(String(5 << 20))
    await destroyed(container)
  })

  it("gives back the credit of what a program will never read", async () => {
    const { container } = await fresh()
    const number = membrane.exec(container, ["bash", "-c", "exec 0<&-; sleep 1"], { flags: 2 })
    await membrane.next(Type.STARTED, container)
    membrane.send(Type.STDIN, container, u32(number), Buffer.alloc(900_000))
    let back = 0
    while (back < 900_000) back += (await membrane.next(Type.ROOM, container)).body.readUInt32LE(4)
    expect(back).toBe(900_000)
    await membrane.finish(container, number)
    await destroyed(container)
  })

  it("refuses standard input over its bound, and goes on", async () => {
    const { container } = await fresh()
    const number = membrane.exec(container, ["sleep", "1"], { flags: 2 })
    for (let i = 0; i < 3; i++) membrane.send(Type.STDIN, container, u32(number), Buffer.alloc(1_000_000))
    expect(failure((await membrane.next(Type.FAILED, container)).body)).toMatchObject({
      exec: number,
      message: "stdin full"
    })
    expect(exit((await membrane.next(Type.EXIT, container)).body).code).toBe(0)
    await destroyed(container)
  })

  it("serves others while the control plane does not read a flood", async () => {
    const { container } = await fresh()
    const number = membrane.exec(container, ["bash", "-c", "yes | head -c 60000000"], { cap: 50_000_000 })
    membrane.socket.pause()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const memory = readFileSync(`/proc/${membrane.process.pid}/status`, "utf8").match(/VmRSS:\s*(\d+)/)?.[1]
    expect(Number(memory)).toBeLessThan(16_000)
    membrane.socket.resume()
    const run = await membrane.finish(container, number)
    expect([run.stdout.length, run.end.stdout]).toEqual([50_000_000, 60_000_000])
    await destroyed(container)
  })
})

describe("files", () => {
  const put = (container: number, path: string, bytes: string, flags = 0, mode = 0o644) =>
    membrane.send(Type.PUT, container, str(path), u32(mode), u8(flags), Buffer.from(bytes))

  const collect = async (
    container: number,
    dir: string,
    files: number,
    bytes: number,
    exclude: ReadonlyArray<string> = []
  ) => {
    membrane.send(Type.COLLECT, container, u32(7_000_000), str(dir), u32(files), u64(bytes), list(exclude))
    const found = new Map<string, string>()
    for (;;) {
      const frame = await membrane.match(
        (f) => f.container === container && (f.type === Type.FILE || f.type === Type.EXIT)
      )
      if (frame.type === Type.EXIT) return { found, code: exit(frame.body).code }
      const path = frame.body.toString("utf8", 8, 8 + frame.body.readUInt32LE(4))
      found.set(path, (found.get(path) ?? "") + frame.body.toString("latin1", 8 + Buffer.byteLength(path) + 13))
    }
  }

  it("go in, with parents, mode and append, and come out with what the tenant made", async () => {
    const { container } = await fresh()
    put(container, "/tmp/in/deep/script", "#!/bin/bash\necho one > /tmp/out/a", 0, 0o755)
    put(
      container,
      "/tmp/in/deep/script",
      "\necho two > /tmp/out/b; ln -s /etc/passwd /tmp/out/link; mkfifo /tmp/out/fifo\n",
      1,
      0o755
    )
    const big = "x".repeat(900_000)
    put(container, "/tmp/out/big", big)
    await membrane.shell(container, "/tmp/in/deep/script; sleep 300 & echo")
    const all = await collect(container, "/tmp/out", 10, 10 << 20, ["b"])
    expect([...all.found.keys()].sort()).toEqual(["a", "big"])
    expect(all.found.get("a")).toBe("one\n")
    expect(all.found.get("big")).toBe(big)
    expect(all.code).toBe(0)
    expect((await collect(container, "/tmp/out", 1, 1000)).code).toBe(1)
    expect((await membrane.shell(container, "pgrep sleep")).stdout).toBe("")
    await destroyed(container)
  })

  it("with names that are no UTF-8 are left out, and that is told", async () => {
    const { container } = await fresh()
    await membrane.shell(container, "mkdir /tmp/o; echo a > /tmp/o/é; echo b > $'/tmp/o/\\xff'")
    const { found, code } = await collect(container, "/tmp/o", 10, 1000)
    expect([[...found.keys()], code]).toEqual([["é"], 1])
    await destroyed(container)
  })

  it("never leave /tmp", async () => {
    const { container } = await fresh()
    await membrane.shell(container, "ln -s /home/sandbox /tmp/link; ln -s /home/sandbox/f /tmp/f")
    for (const path of ["/etc/x", "/tmp/../home/sandbox/x", "tmp/x", "/tmp", "/tmp//x", "/tmp/link/x", "/tmp/a/./b"]) {
      put(container, path, "x")
      expect(failure((await membrane.next(Type.FAILED, container)).body)).toMatchObject({ exec: 0, stage: "put" })
    }
    // What stands in the place of a file makes way, and is not followed.
    put(container, "/tmp/f", "x")
    expect((await membrane.shell(container, "cat /tmp/f; stat -c %F /tmp/f; ls -A /home/sandbox")).stdout).toBe(
      "xregular file\n"
    )
    await destroyed(container)
  })
})

describe("freezing", () => {
  it("stops every process, lets none run meanwhile, and thaws", async () => {
    const { container } = await fresh()
    const number = membrane.exec(container, ["bash", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.05; done"])
    await membrane.next(Type.OUT, container)
    membrane.send(Type.FREEZE, container)
    await membrane.next(Type.FROZEN, container)
    membrane.exec(container, ["true"])
    expect(failure((await membrane.next(Type.FAILED, container)).body).errno).toBe(16)
    await expect(membrane.next(Type.EXIT, container, 500)).rejects.toThrow()
    membrane.send(Type.UNFREEZE, container)
    await membrane.next(Type.THAWED, container)
    expect((await membrane.finish(container, number)).end.code).toBe(0)
    await destroyed(container)
  })

  it("is no shelter from destruction", async () => {
    const { container } = await fresh()
    membrane.exec(container, ["sleep", "60"])
    await membrane.next(Type.STARTED, container)
    membrane.send(Type.FREEZE, container)
    await membrane.next(Type.FROZEN, container)
    expect(await destroyed(container)).toMatchObject({ reason: 0, left: 0 })
    expect(exit((await membrane.next(Type.EXIT, container)).body).how).toBe(3)
  })
})

describe("leaks", () => {
  const state = () => {
    const pid = membrane.process.pid
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    return {
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      memory: Number(status.match(/VmRSS:\s*(\d+)/)?.[1]),
      mounts: readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n").length,
      hostMounts: readFileSync("/proc/self/mountinfo", "utf8").split("\n").length,
      groups: cgroupsOf(membrane.name).length,
      children: readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    }
  }

  const cycles = async (count: number, flight: number) => {
    const one = async () => {
      const container = ++next
      await membrane.created(container)
      await membrane.shell(container, "echo hi", { flags: 4 })
      expect(gone((await membrane.next(Type.GONE, container)).body).left).toBe(0)
    }
    const lane = async () => {
      for (let i = 0; i < count / flight; i++) await one()
    }
    await Promise.all(Array.from({ length: flight }, lane))
  }

  it("none after 2,000 cycles of create, exec and destroy", async () => {
    await cycles(200, 8)
    const before = state()
    await cycles(2000, 8)
    const after = state()
    expect(after.memory).toBeLessThan(before.memory + 256)
    expect({ ...after, memory: 0 }).toEqual({ ...before, memory: 0 })
  })

  it("keeps the host's tree out of the spawner", () => {
    const links = readdirSync(`/proc/${membrane.process.pid}/fd`).map((fd) =>
      readlinkSync(`/proc/${membrane.process.pid}/fd/${fd}`)
    )
    expect(links.filter((link) => link.startsWith("/home") || link.startsWith("/root"))).toEqual([])
    expect(readlinkSync(`/proc/${membrane.process.pid}/root`)).toBe("/")
    expect(readFileSync(`/proc/${membrane.process.pid}/mountinfo`, "utf8")).not.toMatch(/ \/(etc|var|home) /)
  })
})
