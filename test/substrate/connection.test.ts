/** The connection and its containers against a spawner that says whatever a test wants it to say. */
import { mkdtempSync, rmSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Fiber } from "effect"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { Connection } from "../../src/substrate/local/Connection.js"
import { create } from "../../src/substrate/local/LocalContainer.js"
import type { Exit as Ended, Reply } from "../../src/substrate/local/Reply.js"
import type { Request } from "../../src/substrate/local/Request.js"
import type { Container, Gone } from "../../src/substrate/Substrate.js"
import { command, limits, MIB, sh, text } from "./running.js"
import { framesOf, readRequest, writeReply } from "./spawnerSide.js"

let directory: string
let server: Server
let spawner: Socket
let connection: Connection
let requests: Array<{ readonly container: number; readonly frame: Request }>

/** Real time: what waits here waits for sockets. */
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

const sent = (tag: Request["_tag"]) => requests.filter(({ frame }) => frame._tag === tag)
const asked = (tag: Request["_tag"], count = 1) => until(() => sent(tag).length >= count)
const say = (container: number, reply: Reply) => spawner.write(writeReply(container, reply))

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
  requests = []
  const accepted = new Promise<Socket>((resolve) => {
    server = createServer(resolve).listen(join(directory, "s"))
  })
  const socket = connect(join(directory, "s"))
  spawner = await accepted
  const incoming = framesOf(readRequest)
  requests = incoming.frames
  spawner.on("data", (chunk: Buffer) => incoming.push(chunk)).on("error", () => {})
  connection = new Connection(socket)
})

afterEach(() => {
  vi.useRealTimers()
  connection.lose("the test is over")
  spawner.destroy()
  server.close()
  rmSync(directory, { recursive: true })
})

const ended: Ended = {
  _tag: "Exit",
  exec: 1,
  how: "exited",
  code: 0,
  userMicros: 1,
  systemMicros: 2,
  peakBytes: 3,
  wallMicros: 4,
  stdoutBytes: 2,
  stderrBytes: 0,
  stdoutTruncated: false,
  stderrTruncated: false,
  oom: false
}
const gone: Gone = { reason: "asked", cpuMicros: 1, peakBytes: 2, left: 0 }
const out = (bytes: string | Buffer, exec = 1): Reply => ({
  _tag: "Out",
  exec,
  stream: "stdout",
  bytes: Buffer.from(bytes)
})

const created = async (acknowledges = true): Promise<Container> => {
  const count = sent("Create").length + 1
  const making = Effect.runPromise(create(connection, acknowledges, "box", limits))
  await asked("Create", count)
  say(sent("Create").at(-1)?.container ?? 0, { _tag: "Created", seal: "pid=1\n" })
  return making
}

const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromiseExit(effect)
const failure = async <A, E>(exit: Promise<Exit.Exit<A, E>>) =>
  Exit.match(await exit, {
    onSuccess: () => undefined,
    onFailure: (cause) => (cause._tag === "Fail" ? cause.error : cause)
  })

describe("a spawner that is not to be trusted ends the connection:", () => {
  const lies: Record<string, readonly [number, Reply]> = {
    "a container that nobody made": [99, { _tag: "Started", exec: 1, pid: 2 }],
    "an exec that nobody started": [1, out("x", 7)],
    "an end that comes twice": [1, { ...ended, exec: 7 }],
    "an answer that nobody asked for": [1, { _tag: "Frozen" }],
    "more output than was asked for": [1, out(Buffer.alloc(11))],
    "a seal that is none": [1, { _tag: "Limited", seal: "x" }],
    "its own error": [0, { _tag: "Error", message: "frame length out of bounds" }]
  }
  for (const [what, [container, reply]] of Object.entries(lies))
    it(what, async () => {
      const box = await created()
      const running = fork(box.run(sh("x", { outputCap: 10 })))
      if (reply._tag === "Limited") void fork(box.limit(limits))
      await asked(reply._tag === "Limited" ? "Limit" : "Exec")
      say(container, reply)
      expect(await failure(running)).toMatchObject({ _tag: "SubstrateLost" })
      expect(await Effect.runPromise(box.gone)).toMatchObject({ reason: "lost", left: null })
      expect(await failure(fork(box.destroy))).toMatchObject({ _tag: "SubstrateLost" })
      expect(await failure(fork(box.run(sh("x"))))).toMatchObject({ _tag: "SubstrateLost" })
      expect(await failure(fork(create(connection, true, "box", limits)))).toMatchObject({ _tag: "SubstrateLost" })
    })

  it("silence after it was asked to destroy", async () => {
    const box = await created()
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const destroying = fork(box.destroy)
    await asked("Destroy")
    vi.advanceTimersByTime(15_000)
    expect(await failure(destroying)).toMatchObject({ _tag: "SubstrateLost" })
  })

  it("silence after a final command ended", async () => {
    const box = await created()
    const running = fork(box.run(sh("x", { final: true })))
    await asked("Exec")
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    say(1, ended)
    expect(Exit.isSuccess(await running)).toBe(true)
    vi.advanceTimersByTime(15_000)
    expect(connection.over?.reason).toMatch(/not gone/)
  })
})

describe("deadlines", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }))

  it("a creation that is not answered is destroyed", async () => {
    const making = fork(create(connection, true, "box", limits))
    await asked("Create")
    vi.advanceTimersByTime(10_000)
    expect(await failure(making)).toMatchObject({ _tag: "SubstrateFailed", stage: "create", errno: 110 })
    await asked("Destroy")
    say(1, { _tag: "Created", seal: "pid=1\n" })
    say(1, { _tag: "Gone", gone })
    await until(() => vi.getTimerCount() === 0)
    expect(connection.over).toBeUndefined()
  })

  it("a limit that is not answered fails, and its late answer does not answer the next", async () => {
    const box = await created()
    const first = fork(box.limit(limits))
    await asked("Limit")
    vi.advanceTimersByTime(5_000)
    expect(await failure(first)).toMatchObject({ stage: "limit", errno: 110 })
    const second = fork(box.limit(limits))
    say(1, { _tag: "Limited", seal: "old=1\n" })
    await asked("Limit", 2)
    say(1, { _tag: "Limited", seal: "new=1\n" })
    expect(Exit.getOrElse(await second, () => new Map()).has("new")).toBe(true)
  })

  it("a command whose end is not reported fails", async () => {
    const box = await created()
    const running = fork(box.run(sh("x", { timeoutMillis: 1_000 })))
    await asked("Exec")
    vi.advanceTimersByTime(11_000)
    expect(await failure(running)).toMatchObject({ stage: "run", errno: 110 })
    say(1, out("late"))
    say(1, ended)
    say(1, { _tag: "Gone", gone })
    expect(await Effect.runPromise(box.gone)).toEqual(gone)
    expect(connection.over).toBeUndefined()
  })
})

describe("commands", () => {
  it("send files, exec and input in order, large files in pieces", async () => {
    const box = await created()
    const content = Buffer.alloc(MIB + 5, 1)
    const files = [
      { path: "/tmp/big", mode: 0o600, content },
      { path: "/tmp/small", mode: 0o755, content: Buffer.from("s") }
    ]
    void fork(box.run(command(["x"], { files, stdin: Buffer.from("in") })))
    await asked("Stdin", 2)
    expect(requests.slice(1).map(({ frame }) => frame)).toMatchObject([
      { _tag: "Put", path: "/tmp/big", append: false },
      { _tag: "Put", path: "/tmp/big", append: true },
      { _tag: "Put", path: "/tmp/big", append: true },
      { _tag: "Put", path: "/tmp/small", append: false, mode: 0o755 },
      { _tag: "Exec", stdin: true, tty: false },
      { _tag: "Stdin", bytes: new Uint8Array(Buffer.from("in")) },
      { _tag: "Stdin", bytes: new Uint8Array(0) }
    ])
  })

  it("fail when a file could not be put, whether it was told before or after the exec", async () => {
    const box = await created()
    const files = [{ path: "/tmp/x", mode: 0o600, content: Buffer.from("x") }]
    const full: Reply = { _tag: "Failed", exec: 0, errno: 28, stage: "put", message: "full" }
    const first = fork(box.run(command(["x"], { files })))
    await asked("Exec")
    say(1, full)
    expect(await failure(first)).toMatchObject({ stage: "put", errno: 28 })
    say(1, ended)
    say(1, full)
    await Effect.runPromise(Effect.sleep("20 millis"))
    expect(await failure(fork(box.run(command(["y"]))))).toMatchObject({ stage: "put", errno: 28 })
    void fork(box.run(command(["z"])))
    await asked("Exec", 2)
  })

  it("that were interrupted are forgotten, their frames ignored", async () => {
    const box = await created()
    const running = Effect.runFork(box.run(sh("x")))
    await asked("Exec")
    await Effect.runPromise(Fiber.interrupt(running))
    say(1, out("nobody reads it"))
    say(1, ended)
    const next = fork(box.run(sh("y")))
    await asked("Exec", 2)
    say(1, out("hi", 2))
    say(1, { ...ended, exec: 2 })
    expect(Exit.match(await next, { onSuccess: ({ stdout }) => text(stdout), onFailure: String })).toBe("hi")
  })

  it("end with the container when it goes without a word about them", async () => {
    const box = await created()
    const running = fork(box.run(sh("x")))
    await asked("Exec")
    say(1, { _tag: "Gone", gone: { ...gone, reason: "died" } })
    expect(await failure(running)).toMatchObject({ _tag: "SubstrateFailed", stage: "gone" })
  })

  it("feed no more input than was acknowledged", async () => {
    const box = await created()
    void fork(box.run(command(["x"], { stdin: Buffer.alloc(3 * MIB) })))
    const fed = () =>
      sent("Stdin").reduce((sum, { frame }) => sum + (frame._tag === "Stdin" ? frame.bytes.length : 0), 0)
    await until(() => fed() === MIB)
    await Effect.runPromise(Effect.sleep("20 millis"))
    expect(fed()).toBe(MIB)
    say(1, { _tag: "Room", exec: 1, bytes: 1000 })
    await until(() => fed() === MIB + 1000)
    say(1, { _tag: "Room", exec: 1, bytes: MIB })
    say(1, { _tag: "Room", exec: 1, bytes: MIB })
    await until(() => fed() === 3 * MIB)
    const last = sent("Stdin").at(-1)?.frame
    expect(last?._tag === "Stdin" && last.bytes.length).toBe(0)
  })

  it("refuse an input that could not be fed", async () => {
    const box = await created(false)
    const running = fork(box.run(command(["x"], { stdin: Buffer.alloc(2 * MIB) })))
    expect(await failure(running)).toMatchObject({ stage: "argument" })
  })
})

describe("backpressure", () => {
  it("refuses when too much waits, and takes more when it went out", async () => {
    const box = await created()
    spawner.pause()
    const files = Array.from({ length: 4 }, (_, n) => ({
      path: `/tmp/${n}`,
      mode: 0o600,
      content: Buffer.alloc(60_000)
    }))
    const runs = Array.from({ length: 60 }, () => fork(box.run(command(["x"], { files }))))
    const outcomes = await Promise.all(runs.slice(-10).map(failure))
    for (const outcome of outcomes) expect(outcome).toMatchObject({ _tag: "SubstrateFailed", stage: "backpressure" })
    spawner.resume()
    const executed = () => sent("Exec").length
    await until(() => executed() > 20)
    await Effect.runPromise(Effect.sleep("50 millis"))
    const before = executed()
    void fork(box.run(command(["x"], { files })))
    await asked("Exec", before + 1)
  })

  it("holds large files back instead of refusing them", async () => {
    const box = await created()
    spawner.pause()
    const content = Buffer.alloc(4 * MIB)
    const files = [{ path: "/tmp/x", mode: 0o600, content }]
    for (let n = 0; n < 8; n++) void fork(box.run(command(["x"], { files })))
    await Effect.runPromise(Effect.sleep("50 millis"))
    spawner.resume()
    await asked("Exec", 8)
    expect(sent("Put")).toHaveLength(64)
  })

  it("never keeps a destruction back", async () => {
    const box = await created()
    spawner.pause()
    const files = [{ path: "/tmp/0", mode: 0o600, content: Buffer.alloc(200_000) }]
    for (let n = 0; n < 60; n++) void fork(box.run(command(["x"], { files })))
    void fork(box.destroy)
    spawner.resume()
    await asked("Destroy")
  })

  it("writes what one turn asks for in one piece", async () => {
    const box = await created()
    const pieces: Array<number> = []
    spawner.on("data", (chunk: Buffer) => pieces.push(chunk.length))
    for (let n = 0; n < 50; n++) void fork(box.run(sh("x")))
    await asked("Exec", 50)
    expect(pieces.length).toBe(1)
  })
})
