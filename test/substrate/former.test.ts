/** A spawner that is there already when the driver starts, played by a test: who is taken over, and who is not. */
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import { Effect, Fiber } from "effect"
import { afterAll, afterEach, beforeEach, expect, it } from "vitest"
import { PROTOCOL } from "../../src/substrate/local/Frame.js"
import type { Listed } from "../../src/substrate/local/Listing.js"
import { layer } from "../../src/substrate/local/LocalSubstrate.js"
import type { Reply } from "../../src/substrate/local/Reply.js"
import type { Request } from "../../src/substrate/local/Request.js"
import { Substrate } from "../../src/substrate/Substrate.js"
import { directory } from "./membrane.js"
import { eventually, says } from "./running.js"
import { framesOf, readRequest, writeReply } from "./spawnerSide.js"

const data = directory()
const instance = `former-${process.pid}`
const path = join(data, "run", `control-${instance}`)
mkdirSync(join(data, "run"))
afterAll(() => rmSync(data, { recursive: true }))

const facts = (weak: ReadonlyArray<string> = [], pid = 0x7fff_fff0) =>
  JSON.stringify({
    version: PROTOCOL,
    pid,
    kernel: "6",
    privileged: true,
    uid_range: 65536,
    cgroup: "v2",
    controllers: { memory: "v2", cpu: "v2", pids: "v2", freezer: "v2" },
    namespaces: [],
    seccomp: true,
    room: true,
    nofile: 1024,
    weak
  })

let server: Server
let asked: Array<{ readonly container: number; readonly frame: Request }> = []
let open: Array<Socket> = []

/** Replies to each request with what `answer` says. */
const plays = (answer: (request: Request, say: (container: number, reply: Reply) => void, socket: Socket) => void) =>
  new Promise<void>((resolve) => {
    server.on("connection", (socket) => {
      open.push(socket)
      const { frames, push } = framesOf(readRequest)
      asked = frames
      let seen = 0
      socket
        .on("error", () => {})
        .on("data", (chunk: Buffer) => {
          push(chunk)
          for (const { frame } of frames.slice(seen)) {
            seen += 1
            answer(frame, (container, reply) => socket.write(writeReply(container, reply)), socket)
          }
        })
    })
    server.listen(path, resolve)
  })

beforeEach(() => {
  server = createServer()
  open = []
})
afterEach(() => {
  for (const socket of open) socket.destroy()
  server.close()
  rmSync(path, { force: true })
})

const weak = process.geteuid?.() !== 0
const local = (acceptWeak = weak) => layer({ data, instance, acceptWeak })

/** Why `run` ends. */
const reason = (acceptWeak?: boolean) =>
  Effect.runPromise(
    Effect.flatMap(Substrate, ({ run }) => Effect.flip(run)).pipe(
      Effect.map((lost) => lost.reason),
      Effect.timeout("15 seconds"),
      Effect.provide(local(acceptWeak))
    )
  )

const lives = <A, E>(body: Effect.Effect<A, E, Substrate>) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const substrate = yield* Substrate
      const life = yield* Effect.fork(substrate.run)
      yield* eventually(Effect.map(Effect.either(substrate.facts), ({ _tag }) => _tag === "Right"))
      const result = yield* body
      yield* Fiber.interrupt(life)
      return result
    }).pipe(Effect.provide(local(true)))
  )

it("is refused when it speaks another version, and left alone", async () => {
  await plays((_, say) => say(0, { _tag: "Hello", version: PROTOCOL + 1, facts: facts() }))
  const why = await reason()
  expect(why).toContain(`version ${PROTOCOL + 1}, not ${PROTOCOL}`)
  expect(why).toContain(`--name ${instance}`)
  expect(existsSync(path)).toBe(true)
})

it("is refused when it refuses us", async () => {
  await plays((_, say) => say(0, { _tag: "Error", message: "this spawner speaks version 7" }))
  expect(await reason()).toContain("this spawner speaks version 7")
})

it("is refused when protections were given up that are wanted now", async () => {
  await plays((_, say) => say(0, { _tag: "Hello", version: PROTOCOL, facts: facts(["memory limit: none"]) }))
  expect(await reason(false)).toContain("memory limit: none")
})

it("is given up when it does not answer, and left alone", async () => {
  await plays(() => {})
  expect(await reason()).toContain("does not answer")
  expect(existsSync(path)).toBe(true)
})

it("is replaced when nobody listens, or who listens is just ending", async () => {
  const works = Effect.gen(function* () {
    const { create } = yield* Substrate
    const container = yield* create("box", { memoryBytes: 2 ** 26, cpuMillis: 1000, pids: 32, tmpBytes: 2 ** 20 })
    return yield* says(container, "echo hi")
  })
  await plays((_request, _say, socket) => {
    socket.destroy()
    server.close()
  })
  expect(await lives(works)).toBe("hi")
  expect(await lives(works)).toBe("hi")
})

it("is taken over with what it keeps; what has no seal is ended", async () => {
  const kept = (container: number, label: string): Listed => ({
    container,
    label,
    state: "running",
    kept: true,
    hostname: "box",
    execs: []
  })
  await plays((request, say) => {
    if (request._tag === "Hello") say(0, { _tag: "Hello", version: PROTOCOL, facts: facts() })
    if (request._tag === "List") say(0, { _tag: "Listing", containers: [kept(3, "a"), kept(9, "b")] })
    if (request._tag !== "Seal") return
    const to = asked.findLast(({ frame }) => frame === request)?.container ?? 0
    if (to === 3) say(3, { _tag: "Sealed", seal: "pid=5\n" })
    else say(to, { _tag: "Failed", exec: 0, errno: 5, stage: "seal", message: "no" })
  })
  const labels = await lives(
    Effect.gen(function* () {
      const { kept } = yield* Substrate
      const found = yield* kept
      yield* eventually(Effect.sync(() => asked.some(({ frame }) => frame._tag === "Destroy")))
      return found.map(({ container, frozen, label }) => [label, frozen, container.seal.get("pid")])
    })
  )
  expect(labels).toEqual([["a", false, "5"]])
  expect(asked.find(({ frame }) => frame._tag === "Destroy")?.container).toBe(9)
  await expect.poll(() => open[0]?.readableEnded).toBe(true)
})

it("is ended with all that it keeps when only our connection to it breaks", async () => {
  const process = spawn("sleep", ["1000"], { stdio: "ignore" })
  const ended = new Promise((resolve) => process.once("exit", (_, signal) => resolve(signal)))
  await plays((request, say) => {
    if (request._tag === "Hello") say(0, { _tag: "Hello", version: PROTOCOL, facts: facts([], process.pid) })
    if (request._tag !== "List") return
    say(0, { _tag: "Listing", containers: [] })
    say(0, { _tag: "Frozen" })
  })
  expect(await reason(true)).toContain("says Frozen on container 0")
  expect(await ended).toBe("SIGKILL")
})
