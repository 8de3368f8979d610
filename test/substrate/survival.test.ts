/** What outlives us, and what flows only as we read, against a spawner that a test plays. */
import { Chunk, Effect, Exit, Fiber, Scope, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { adopt } from "../../src/substrate/local/Adoption.js"
import type { Listed } from "../../src/substrate/local/Listing.js"
import * as LocalContainer from "../../src/substrate/local/LocalContainer.js"
import type { Process } from "../../src/substrate/Substrate.js"
import { command, limits, MIB, sh } from "./running.js"
import { ended, failure, fork, gone, moment, out, Scripted, scripted, until } from "./scripted.js"

let spawner: Scripted
scripted((fresh) => {
  spawner = fresh
})

const log = { path: "/nowhere/log", cap: 4096 }

describe("output that is not capped", () => {
  const started = async (): Promise<{ readonly process: Process; readonly scope: Scope.CloseableScope }> => {
    const box = await spawner.box()
    const scope = Effect.runSync(Scope.make())
    const starting = Effect.runPromise(
      Scope.extend(box.start(command(["x"], { outputCap: 0, timeoutMillis: 0 }), { stdin: false }), scope)
    )
    await spawner.asked("Exec")
    spawner.say(1, { _tag: "Started", exec: 1, pid: 2 })
    return { process: await starting, scope }
  }
  const granted = () =>
    spawner.sent("Grant").reduce((sum, { frame }) => sum + (frame._tag === "Grant" ? frame.bytes : 0), 0)
  const speak = (pieces: number) => {
    for (let n = 0; n < pieces; n++) spawner.say(1, out(Buffer.alloc(64 * 1024)))
  }

  it("is granted back as it is read, and not before", async () => {
    const { process } = await started()
    expect(spawner.sent("Exec")[0]?.frame).toMatchObject({ outputCap: 0xffff_ffff })
    speak(16)
    await moment()
    expect(granted()).toBe(0)
    const reading = Effect.runFork(Stream.runFold(process.output, 0, (sum, { bytes }) => sum + bytes.length))
    // A rest that is not worth a frame is granted with what comes next.
    await until(() => granted() > 0.75 * MIB)
    speak(12)
    await until(() => granted() > 1.5 * MIB)
    spawner.say(1, ended)
    expect(await Effect.runPromise(Fiber.join(reading))).toBe(1.75 * MIB)
  })

  it("beyond what was granted ends the connection", async () => {
    const { process } = await started()
    speak(17)
    expect(await failure(fork(process.exited))).toMatchObject({ _tag: "SubstrateLost" })
  })

  it("that nobody will read does not hold up the end", async () => {
    const { process, scope } = await started()
    speak(16)
    await Effect.runPromise(Stream.runHead(process.output))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await spawner.asked("Signal")
    await until(() => granted() === MIB)
    speak(16)
    await until(() => granted() === 2 * MIB)
    spawner.say(1, ended)
    await moment()
    expect(spawner.connection.over).toBeUndefined()
  })
})

describe("a command that is launched", () => {
  it("tells its start and its end, and takes signals", async () => {
    const box = await spawner.box()
    const launching = Effect.runPromise(box.launch(sh("x"), log))
    await spawner.asked("Exec")
    expect(spawner.sent("Exec")[0]?.frame).toMatchObject({ log, stdin: false, tty: false })
    spawner.say(1, { _tag: "Started", exec: 1, pid: 2 })
    const launched = await launching
    await Effect.runPromise(launched.signal(15))
    await spawner.asked("Signal")
    spawner.say(1, { ...ended, code: 3 })
    expect(await Effect.runPromise(launched.exited)).toMatchObject({ how: "exited", code: 3 })
  })

  it("is killed when nobody waits for its start any more", async () => {
    const box = await spawner.box()
    const launching = Effect.runFork(box.launch(sh("x"), log))
    await spawner.asked("Exec")
    await Effect.runPromise(Fiber.interrupt(launching))
    await spawner.asked("Signal")
    spawner.say(1, { _tag: "Started", exec: 1, pid: 2 })
    spawner.say(1, ended)
    await moment()
    expect(spawner.connection.over).toBeUndefined()
  })

  it("is refused when a log or an input make no sense", async () => {
    const box = await spawner.box()
    const wrong = [
      box.launch(sh("x"), { ...log, path: "log" }),
      box.launch(sh("x"), { ...log, cap: 100 }),
      box.launch(sh("x", { stdin: new Uint8Array(1) }), log),
      box.launch(sh("x", { final: true }), log)
    ]
    for (const attempt of wrong) expect(await failure(fork(attempt))).toMatchObject({ stage: "argument" })
  })
})

describe("our end of the connection", () => {
  it("is no end of what is kept", async () => {
    const box = await spawner.box()
    const keeping = Effect.runPromise(box.keep("mine"))
    await spawner.asked("Keep")
    spawner.say(1, { _tag: "Kept" })
    await keeping
    const going = Effect.runFork(box.gone)
    expect(spawner.connection.close()).toBe(true)
    expect(await failure(fork(box.destroy))).toMatchObject({ _tag: "SubstrateLost" })
    expect(Effect.runSync(Fiber.poll(going))._tag).toBe("None")
  })

  it("is the end of what is not, refused to be, or was to be destroyed", async () => {
    const [plain, refused, doomed] = [await spawner.box(), await spawner.box(), await spawner.box()]
    const refusing = fork(refused.keep("mine"))
    await spawner.asked("Keep")
    spawner.say(2, { _tag: "Failed", exec: 0, errno: 3, stage: "keep", message: "no" })
    expect(await failure(refusing)).toMatchObject({ stage: "keep" })
    const keeping = Effect.runPromise(doomed.keep("mine"))
    await spawner.asked("Keep", 2)
    spawner.say(3, { _tag: "Kept" })
    await keeping
    await Effect.runPromise(doomed.release)
    expect(spawner.connection.close()).toBe(false)
    for (const box of [plain, refused, doomed])
      expect(await Effect.runPromise(box.gone)).toMatchObject({ reason: "lost", left: null })
    await spawner.asked("Destroy")
  })

  it("takes what is kept along when it was no wish of ours", async () => {
    const box = await spawner.box()
    void fork(box.keep("mine"))
    await spawner.asked("Keep")
    spawner.socket.destroy()
    expect(await Effect.runPromise(box.gone)).toMatchObject({ reason: "lost" })
  })
})

describe("what a former control plane left", () => {
  const listed = (over: Partial<Listed>): Listed => ({
    container: 1,
    state: "running",
    kept: true,
    label: "mine",
    hostname: "box",
    execs: [],
    ...over
  })

  it("is taken with its commands, and new numbers are above its own", async () => {
    const execs = [
      { exec: 3, ended: false, how: "exited", code: 0 },
      { exec: 5, ended: true, how: "exited", code: 7 }
    ] as const
    const [kept] = adopt(spawner.connection, [listed({ container: 41, state: "frozen", execs })])
    if (kept === undefined) throw new Error("nothing was adopted")
    expect(kept).toMatchObject({ label: "mine", frozen: true })
    spawner.say(41, { ...ended, exec: 5, code: 7 })
    const ends = kept.launched.map(({ exited }) => Effect.runFork(exited))
    await until(() => ends.some((end) => Effect.runSync(Fiber.poll(end))._tag === "Some"))
    expect(ends.map((end) => Effect.runSync(Fiber.poll(end))._tag)).toEqual(["None", "Some"])

    const adopting = Effect.runPromise(LocalContainer.adopted(kept.channel))
    await spawner.asked("Seal")
    spawner.say(41, { _tag: "Sealed", seal: "pid=9\n" })
    const container = await adopting
    expect(container.seal.get("pid")).toBe("9")
    void fork(container.run(sh("x")))
    await spawner.asked("Exec")
    expect(spawner.sent("Exec")[0]).toMatchObject({ container: 41, frame: { exec: 6 } })
    void fork(LocalContainer.create(spawner.connection, "box", limits))
    await spawner.asked("Create")
    expect(spawner.sent("Create")[0]?.container).toBe(42)
  })

  it("and ended before it was listed is told all the same", async () => {
    const fresh = await Scripted.open(false)
    fresh.say(4, { ...ended, exec: 2, code: 9 })
    fresh.say(6, { _tag: "Gone", gone })
    await moment()
    const [kept] = adopt(fresh.connection, [listed({ container: 4 })])
    expect(await Effect.runPromise(kept?.launched[0]?.exited ?? Effect.void)).toMatchObject({ code: 9 })
    fresh.close()
  })

  it("and is just ending is nobody's", async () => {
    const left = [listed({ container: 7, state: "going" }), listed({ container: 8, kept: false, state: "going" })]
    expect(adopt(spawner.connection, left)).toEqual([])
    spawner.say(7, { ...ended, exec: 5 })
    spawner.say(8, { _tag: "Gone", gone })
    spawner.say(7, { _tag: "Gone", gone })
    await moment()
    expect(spawner.connection.over).toBeUndefined()
    spawner.say(7, { ...ended, exec: 5 })
    await until(() => spawner.connection.over !== undefined)
  })
})

it("reads what is left to it in one stream, in order", async () => {
  const box = await spawner.box()
  const reading = Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(box.start(command(["x"], { outputCap: 0 }), { stdin: false }), ({ output }) =>
        Stream.runCollect(output)
      )
    )
  )
  await spawner.asked("Exec")
  spawner.say(1, { _tag: "Started", exec: 1, pid: 2 })
  spawner.say(1, out("a"))
  spawner.say(1, out("b"))
  spawner.say(1, ended)
  expect(Chunk.toReadonlyArray(await reading).map(({ bytes }) => String(Buffer.from(bytes)))).toEqual(["ab"])
})
