/** The connection against a spawner that lies, is silent, or does not read. */
import { Effect, Exit } from "effect"
import { describe, expect, it, vi } from "vitest"
import { create } from "../../src/substrate/local/LocalContainer.js"
import type { Reply } from "../../src/substrate/local/Reply.js"
import { command, limits, MIB, sh } from "./running.js"
import { ended, failure, fork, moment, out, type Scripted, scripted, until } from "./scripted.js"

let spawner: Scripted
scripted((fresh) => {
  spawner = fresh
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
      const box = await spawner.box()
      const running = fork(box.run(sh("x", { outputCap: 10 })))
      if (reply._tag === "Limited") void fork(box.limit(limits))
      await spawner.asked(reply._tag === "Limited" ? "Limit" : "Exec")
      spawner.say(container, reply)
      expect(await failure(running)).toMatchObject({ _tag: "SubstrateLost" })
      expect(await Effect.runPromise(box.gone)).toMatchObject({ reason: "lost", left: null })
      expect(await failure(fork(box.destroy))).toMatchObject({ _tag: "SubstrateLost" })
      expect(await failure(fork(box.run(sh("x"))))).toMatchObject({ _tag: "SubstrateLost" })
      expect(await failure(fork(create(spawner.connection, "box", limits)))).toMatchObject({
        _tag: "SubstrateLost"
      })
    })

  it("silence after it was asked to destroy", async () => {
    const box = await spawner.box()
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const destroying = fork(box.destroy)
    await spawner.asked("Destroy")
    vi.advanceTimersByTime(15_000)
    expect(await failure(destroying)).toMatchObject({ _tag: "SubstrateLost" })
  })

  it("silence after a final command ended", async () => {
    const box = await spawner.box()
    const running = fork(box.run(sh("x", { final: true })))
    await spawner.asked("Exec")
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    spawner.say(1, ended)
    expect(Exit.isSuccess(await running)).toBe(true)
    vi.advanceTimersByTime(15_000)
    expect(spawner.connection.over?.reason).toMatch(/not gone/)
  })
})

describe("backpressure", () => {
  it("refuses when too much waits, and takes more when it went out", async () => {
    const box = await spawner.box()
    spawner.socket.pause()
    const files = Array.from({ length: 4 }, (_, n) => ({
      path: `/tmp/${n}`,
      mode: 0o600,
      content: Buffer.alloc(60_000)
    }))
    const runs = Array.from({ length: 60 }, () => fork(box.run(command(["x"], { files }))))
    const outcomes = await Promise.all(runs.slice(-10).map(failure))
    for (const outcome of outcomes) expect(outcome).toMatchObject({ _tag: "SubstrateFailed", stage: "backpressure" })
    spawner.socket.resume()
    const executed = () => spawner.sent("Exec").length
    await until(() => executed() > 20)
    await moment()
    const before = executed()
    void fork(box.run(command(["x"], { files })))
    await spawner.asked("Exec", before + 1)
  })

  it("holds large files back instead of refusing them", async () => {
    const box = await spawner.box()
    spawner.socket.pause()
    const content = Buffer.alloc(4 * MIB)
    const files = [{ path: "/tmp/x", mode: 0o600, content }]
    for (let n = 0; n < 8; n++) void fork(box.run(command(["x"], { files })))
    await moment()
    spawner.socket.resume()
    await spawner.asked("Exec", 8)
    expect(spawner.sent("Put")).toHaveLength(64)
  })

  it("never keeps a destruction back", async () => {
    const box = await spawner.box()
    spawner.socket.pause()
    const files = [{ path: "/tmp/0", mode: 0o600, content: Buffer.alloc(200_000) }]
    for (let n = 0; n < 60; n++) void fork(box.run(command(["x"], { files })))
    void fork(box.destroy)
    spawner.socket.resume()
    await spawner.asked("Destroy")
  })

  it("writes what one turn asks for in one piece", async () => {
    const box = await spawner.box()
    const pieces: Array<number> = []
    spawner.socket.on("data", (chunk: Buffer) => pieces.push(chunk.length))
    for (let n = 0; n < 50; n++) void fork(box.run(sh("x")))
    await spawner.asked("Exec", 50)
    expect(pieces.length).toBe(1)
  })
})
