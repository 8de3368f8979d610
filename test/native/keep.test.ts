// Kept containers outlive the control connection and whoever held it; nothing outlives STOP.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeAll, describe, expect, it } from "vitest"
import {
  build,
  cgroupsOf,
  encode,
  eventually,
  failure,
  gone,
  isAlive,
  Membrane,
  root,
  seal,
  str,
  Type,
  u16,
  u32,
  u64
} from "./wire.js"

const started: Array<Membrane> = []

const start = async (): Promise<Membrane> => {
  const membrane = await Membrane.start()
  started.push(membrane)
  await membrane.hello()
  return membrane
}

const networksInUse = (): ReadonlyArray<string> =>
  readdirSync("/proc").flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readlinkSync(`/proc/${pid}/ns/net`)] : []
    } catch {
      return [] // it has ended meanwhile
    }
  })

beforeAll(() => build())

afterEach(async () => {
  for (const membrane of started.splice(0)) {
    if (membrane.process.exitCode === null) membrane.process.kill("SIGTERM")
    await membrane.stop()
    expect(cgroupsOf(membrane.name)).toEqual([])
  }
})

describe("a kept container", () => {
  it("outlives the connection with its label and its files; the others die", async () => {
    const first = await start()
    const pid = (await first.created(1)).get("pid") ?? ""
    const lost = (await first.created(2)).get("pid") ?? ""
    await first.shell(1, "echo still > /tmp/here")
    await first.keep(1, "session 1")
    const second = await first.again()
    await eventually("the other's end", () => !isAlive(lost))
    expect([...(await second.list())]).toEqual([
      [1, { state: 1, kept: true, label: "session 1", hostname: "box", execs: [] }]
    ])
    expect(isAlive(pid)).toBe(true)
    expect((await second.shell(1, "cat /tmp/here")).stdout).toBe("still\n")
    await second.created(3)
    second.send(Type.DESTROY, 1)
    expect(gone((await second.next(Type.GONE, 1)).body)).toMatchObject({ reason: 0, left: 0 })
    expect(await second.stop()).toBe(0)
  })

  it("outlives a frozen night, and says its seal afresh", async () => {
    const first = await start()
    const made = await first.created(1)
    await first.keep(1, "x")
    first.send(Type.FREEZE, 1)
    await first.next(Type.FROZEN, 1)
    const second = await first.again()
    expect((await second.list()).get(1)).toMatchObject({ state: 2, kept: true })
    second.send(Type.SEAL, 1)
    expect(seal((await second.next(Type.SEALED, 1)).body)).toEqual(made)
    second.send(Type.UNFREEZE, 1)
    await second.next(Type.THAWED, 1)
    expect((await second.shell(1, "echo ok")).stdout).toBe("ok\n")
  })

  it("loses what ran for the former control plane, and the numbers of it are free", async () => {
    const first = await start()
    await first.created(1)
    await first.keep(1, "x")
    const number = first.exec(1, ["bash", "-c", "trap '' HUP TERM PIPE; sleep 1234 & wait"], { flags: 2 })
    await first.next(Type.STARTED, 1)
    first.exec(1, ["bash", "-c", "sleep 1234"], { flags: 1 })
    await first.next(Type.STARTED, 1)
    const second = await first.again()
    const head = [u32(number), Buffer.from([0]), u32(5000), u32(1000), Buffer.alloc(4), str("/tmp")]
    const argv = [u32(3), str("bash"), str("-c"), str("sleep 0.3; pgrep -c sleep"), u32(0)]
    second.send(Type.EXEC, 1, ...head, ...argv)
    expect(await second.finish(1, number)).toMatchObject({ stdout: "0\n", end: { how: 0, code: 1 } })
  })

  it("keeps the spawner only as long as one is left", async () => {
    const membrane = await start()
    const pid = Number((await membrane.created(1)).get("pid"))
    await membrane.keep(1, "x")
    membrane.socket.destroy()
    await membrane.ended()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(membrane.process.exitCode).toBe(null)
    process.kill(pid, "SIGKILL")
    await once(membrane.process, "exit")
    expect(membrane.process.exitCode).toBe(0)
  })

  it("has a plain label and is running", async () => {
    const membrane = await start()
    await membrane.created(1)
    for (const label of ["", "a\nb", "é", "x".repeat(129)]) {
      membrane.send(Type.KEEP, 1, str(label))
      expect(failure((await membrane.next(Type.FAILED, 1)).body)).toMatchObject({ errno: 22, stage: "keep" })
    }
    await membrane.keep(1, "one")
    await membrane.keep(1, "two")
    expect((await membrane.list()).get(1)?.label).toBe("two")
    expect(await membrane.again().then((next) => next.list())).toHaveProperty("size", 1)
  })

  it.each(["STOP", "SIGTERM"] as const)("and everything else of it is gone after %s", async (how) => {
    const mounts = () => readFileSync("/proc/self/mountinfo", "utf8")
    const before = mounts()
    const first = await start()
    const made = [await first.created(1), await first.created(2)]
    const pids = made.map((seal) => seal.get("pid") ?? "")
    const networks = made.map((seal) => `net:[${seal.get("ns.net")}]`)
    mkdirSync(join(first.directory, "volume"), { mode: 0o700 })
    await first.attach(1, join(first.directory, "volume"))
    first.exec(1, ["sleep", "1000"], { log: join(first.directory, "log"), timeout: 0 })
    first.send(Type.EGRESS, 1, u16(3128), str(join(first.directory, "gate")))
    await first.next(Type.LISTENING, 1)
    await first.keep(1, "x")
    const second = await first.again()
    if (how === "STOP") second.send(Type.STOP, 0)
    else second.process.kill("SIGTERM")
    expect(gone((await second.next(Type.GONE, 1)).body)).toMatchObject({ reason: 4, left: 0 })
    await second.ended()
    expect(await second.stop()).toBe(0)
    expect(pids.filter(isAlive)).toEqual([])
    expect(existsSync(second.path)).toBe(false)
    expect(networksInUse().filter((network) => networks.includes(network))).toEqual([])
    expect(mounts()).toBe(before)
  })

  it("ends with SIGTERM while nobody is connected", async () => {
    const membrane = await start()
    const pid = (await membrane.created(1)).get("pid") ?? ""
    await membrane.keep(1, "x")
    membrane.socket.destroy()
    await membrane.ended()
    membrane.process.kill("SIGTERM")
    await once(membrane.process, "exit")
    expect([membrane.process.exitCode, isAlive(pid)]).toEqual([0, false])
  })
})

// Starts a spawner as its child, says the given frames one after another's answer, and then tells the spawner's pid.
const client = `
const { spawn } = require("node:child_process")
const { createConnection } = require("node:net")
const [program, name, directory, ...frames] = process.argv.slice(1)
const args = ["spawn", "--listen", directory + "/control", "--name", name]
const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] })
child.stdout.once("data", () => {
  const socket = createConnection(directory + "/control")
  const next = () => (frames.length > 0 ? socket.write(Buffer.from(frames.shift(), "hex")) : console.log(child.pid))
  socket.on("data", next)
  next()
})
`

describe("a control plane that is killed", () => {
  const limits = [u64(256 << 20), u32(1000), u32(64), u64(64 << 20), str("box")]
  const making = [encode(Type.HELLO, 0, u32(2)), encode(Type.CREATE, 1, ...limits)]

  const killed = async (frames: ReadonlyArray<Buffer>) => {
    const name = `killed-${process.pid}-${frames.length}`
    const directory = mkdtempSync(join(tmpdir(), "killed-"))
    const bytes = frames.map((frame) => frame.toString("hex"))
    const args = ["-e", client, join(root, "build", "membrane"), name, directory, ...bytes]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
    const [line] = await once(child.stdout, "data")
    child.kill("SIGKILL")
    await once(child, "exit")
    return { name, directory, child, pid: String(line).trim() }
  }

  it("leaves its kept container to the next one", async () => {
    const keeping = encode(Type.KEEP, 1, str("orphan"))
    const { name, pid, directory, child } = await killed([...making, keeping])
    expect(readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[5]).toBe(pid)
    const next = await Membrane.adopt(name, directory, child)
    await next.hello()
    expect((await next.list()).get(1)?.label).toBe("orphan")
    expect((await next.shell(1, "echo here")).stdout).toBe("here\n")
    next.send(Type.STOP, 0)
    await next.stop()
    await eventually("the spawner's end", () => !isAlive(pid))
    expect(cgroupsOf(name)).toEqual([])
  })

  it("takes the others with it", async () => {
    const { name, pid, directory } = await killed(making)
    await eventually("the spawner's end", () => !isAlive(pid))
    expect(cgroupsOf(name)).toEqual([])
    rmSync(directory, { recursive: true })
  })
})
