/** Containers and their commands against a spawner that answers late, wrongly or not at all. */
import { Effect, Exit, Fiber } from "effect"
import { beforeEach, describe, expect, it, vi } from "vitest"
import { create } from "../../src/substrate/local/LocalContainer.js"
import type { Reply } from "../../src/substrate/local/Reply.js"
import { command, limits, MIB, sh, text } from "./running.js"
import { ended, failure, fork, gone, moment, out, type Scripted, scripted, until } from "./scripted.js"

let spawner: Scripted
scripted((fresh) => {
  spawner = fresh
})

describe("deadlines", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }))

  it("a creation that is not answered is destroyed", async () => {
    const making = fork(create(spawner.connection, "box", limits))
    await spawner.asked("Create")
    vi.advanceTimersByTime(10_000)
    expect(await failure(making)).toMatchObject({ _tag: "SubstrateFailed", stage: "create", errno: 110 })
    await spawner.asked("Destroy")
    spawner.say(1, { _tag: "Created", seal: "pid=1\n" })
    spawner.say(1, { _tag: "Gone", gone })
    await until(() => vi.getTimerCount() === 0)
    expect(spawner.connection.over).toBeUndefined()
  })

  it("a limit that is not answered fails, and its late answer does not answer the next", async () => {
    const box = await spawner.box()
    const first = fork(box.limit(limits))
    await spawner.asked("Limit")
    vi.advanceTimersByTime(5_000)
    expect(await failure(first)).toMatchObject({ stage: "limit", errno: 110 })
    const second = fork(box.limit(limits))
    spawner.say(1, { _tag: "Limited", seal: "old=1\n" })
    await spawner.asked("Limit", 2)
    spawner.say(1, { _tag: "Limited", seal: "new=1\n" })
    expect(Exit.getOrElse(await second, () => new Map()).has("new")).toBe(true)
  })

  it("a command whose end is not reported fails", async () => {
    const box = await spawner.box()
    const running = fork(box.run(sh("x", { timeoutMillis: 1_000 })))
    await spawner.asked("Exec")
    vi.advanceTimersByTime(11_000)
    expect(await failure(running)).toMatchObject({ stage: "run", errno: 110 })
    spawner.say(1, out("late"))
    spawner.say(1, ended)
    spawner.say(1, { _tag: "Gone", gone })
    expect(await Effect.runPromise(box.gone)).toEqual(gone)
    expect(spawner.connection.over).toBeUndefined()
  })
})

describe("commands", () => {
  it("send files, exec and input in order, large files in pieces", async () => {
    const box = await spawner.box()
    const content = Buffer.alloc(MIB + 5, 1)
    const files = [
      { path: "/tmp/big", mode: 0o600, content },
      { path: "/tmp/small", mode: 0o755, content: Buffer.from("s") }
    ]
    void fork(box.run(command(["x"], { files, stdin: Buffer.from("in") })))
    await spawner.asked("Stdin", 2)
    expect(spawner.requests.slice(1).map(({ frame }) => frame)).toMatchObject([
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
    const box = await spawner.box()
    const files = [{ path: "/tmp/x", mode: 0o600, content: Buffer.from("x") }]
    const full: Reply = { _tag: "Failed", exec: 0, errno: 28, stage: "put", message: "full" }
    const first = fork(box.run(command(["x"], { files })))
    await spawner.asked("Exec")
    spawner.say(1, full)
    expect(await failure(first)).toMatchObject({ stage: "put", errno: 28 })
    spawner.say(1, ended)
    spawner.say(1, full)
    await moment()
    expect(await failure(fork(box.run(command(["y"]))))).toMatchObject({ stage: "put", errno: 28 })
    void fork(box.run(command(["z"])))
    await spawner.asked("Exec", 2)
  })

  it("that were interrupted are forgotten, their frames ignored", async () => {
    const box = await spawner.box()
    const running = Effect.runFork(box.run(sh("x")))
    await spawner.asked("Exec")
    await Effect.runPromise(Fiber.interrupt(running))
    spawner.say(1, out("nobody reads it"))
    spawner.say(1, ended)
    const next = fork(box.run(sh("y")))
    await spawner.asked("Exec", 2)
    spawner.say(1, out("hi", 2))
    spawner.say(1, { ...ended, exec: 2 })
    expect(Exit.match(await next, { onSuccess: ({ stdout }) => text(stdout), onFailure: String })).toBe("hi")
  })

  it("end with the container when it goes without a word about them", async () => {
    const box = await spawner.box()
    const running = fork(box.run(sh("x")))
    await spawner.asked("Exec")
    spawner.say(1, { _tag: "Gone", gone: { ...gone, reason: "died" } })
    expect(await failure(running)).toMatchObject({ _tag: "SubstrateFailed", stage: "gone" })
  })

  it("feed no more input than was acknowledged", async () => {
    const box = await spawner.box()
    void fork(box.run(command(["x"], { stdin: Buffer.alloc(3 * MIB) })))
    const fed = () =>
      spawner.sent("Stdin").reduce((sum, { frame }) => sum + (frame._tag === "Stdin" ? frame.bytes.length : 0), 0)
    await until(() => fed() === MIB)
    await moment()
    expect(fed()).toBe(MIB)
    spawner.say(1, { _tag: "Room", exec: 1, bytes: 1000 })
    await until(() => fed() === MIB + 1000)
    spawner.say(1, { _tag: "Room", exec: 1, bytes: MIB })
    spawner.say(1, { _tag: "Room", exec: 1, bytes: MIB })
    await until(() => fed() === 3 * MIB)
    const last = spawner.sent("Stdin").at(-1)?.frame
    expect(last?._tag === "Stdin" && last.bytes.length).toBe(0)
  })
})
