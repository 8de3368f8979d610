/** Commands that run beside their caller. */
import { Chunk, Effect, Fiber, Option, Ref, Stream } from "effect"
import { expect } from "vitest"
import type { Process } from "../../../src/substrate/Substrate.js"
import { box, command, eventually, type Suite, says, sh, text } from "../running.js"

const endless = { timeoutMillis: 0 }

/** Everything that it wrote so far, growing as it writes. */
const listen = (process: Process) =>
  Effect.gen(function* () {
    const said = yield* Ref.make("")
    yield* process.output.pipe(
      Stream.runForEach(({ bytes }) => Ref.update(said, (before) => before + text(bytes))),
      Effect.forkScoped
    )
    return (part: string) => eventually(Effect.map(Ref.get(said), (all) => all.includes(part)))
  })

export const interaction: Suite = (test) => {
  test("streams output while the command runs", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const process = yield* container.start(sh("echo first; read x; echo got $x; echo err >&2", endless), {
        stdin: true
      })
      const heard = yield* listen(process)
      yield* heard("first\n")
      expect(yield* process.write(Buffer.from("word\n"))).toBe(true)
      yield* heard("got word\n")
      yield* heard("err\n")
      expect(yield* process.exited).toMatchObject({ how: "exited", code: 0, stdoutBytes: 15, stderrBytes: 4 })
    }))

  test("ends the stream with the command, each stream by its name", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const process = yield* container.start(sh("echo out; echo err >&2; exit 4", endless), { stdin: false })
      const pieces = Chunk.toReadonlyArray(yield* Stream.runCollect(process.output))
      const of = (name: string) =>
        pieces
          .filter(({ stream }) => stream === name)
          .map(({ bytes }) => text(bytes))
          .join("")
      expect([of("stdout"), of("stderr")]).toEqual(["out\n", "err\n"])
      expect(yield* process.exited).toMatchObject({ how: "exited", code: 4 })
    }))

  test("ends the input when asked", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const process = yield* container.start(command(["wc", "-c"], endless), { stdin: true })
      const heard = yield* listen(process)
      yield* process.write(Buffer.from("12345"))
      yield* process.write(new Uint8Array(0))
      yield* heard("5\n")
      expect(yield* process.exited).toMatchObject({ how: "exited", code: 0 })
    }))

  test("refuses input that nobody reads, takes it again when somebody does", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const process = yield* container.start(sh("read x; wc -c", endless), { stdin: true })
      const piece = Buffer.alloc(64 * 1024, "x")
      const accepted = yield* Effect.iterate(
        { count: 0, more: true },
        {
          while: ({ count, more }) => more && count < 100,
          body: ({ count }) => Effect.map(process.write(piece), (more) => ({ count: count + (more ? 1 : 0), more }))
        }
      )
      expect(accepted.more).toBe(false)
      yield* eventually(process.write(Buffer.from("\n")))
    }))

  test("gives a terminal of the size that was asked for, and resizes it", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const script = "stty size; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.05; done"
      const process = yield* container.start(sh(script, endless), { tty: { columns: 100, rows: 30 }, stdin: true })
      const heard = yield* listen(process)
      yield* heard("30 100\r\n")
      yield* heard("ready")
      yield* process.resize(132, 43)
      yield* heard("43 132\r\n")
      expect(yield* process.exited).toMatchObject({ how: "exited", code: 5 })
    }))

  test("interrupts with the terminal's own key", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const process = yield* container.start(sh("echo ready; sleep 1000", endless), {
        tty: { columns: 80, rows: 24 },
        stdin: true
      })
      const heard = yield* listen(process)
      yield* heard("ready")
      yield* process.write(Buffer.from([3]))
      const { code, how } = yield* process.exited
      expect(how === "signalled" ? code : code - 128).toBe(2)
    }))

  test("delivers signals to the whole group", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const script = "trap 'echo caught; exit 6' USR1; echo ready; while :; do sleep 0.05; done"
      const process = yield* container.start(sh(script, endless), { stdin: false })
      const heard = yield* listen(process)
      yield* heard("ready")
      yield* process.signal(10)
      yield* heard("caught")
      expect(yield* process.exited).toMatchObject({ how: "exited", code: 6 })
      expect(yield* Effect.flip(process.signal(65))).toMatchObject({ _tag: "SubstrateFailed", stage: "argument" })
    }))

  test("ends the command with the scope", () =>
    Effect.gen(function* () {
      const container = yield* box()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const process = yield* container.start(sh("sleep 1234 & echo ready; wait", endless), { stdin: false })
          const heard = yield* listen(process)
          yield* heard("ready")
        })
      )
      yield* eventually(
        Effect.map(says(container, "cat /proc/[0-9]*/cmdline | grep -c 12[3]4"), (count) => count === "0")
      )
    }))

  test("says that a program cannot be started", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const process = yield* Effect.either(
        Effect.flatMap(container.start(command(["/nowhere"], endless), { stdin: false }), ({ exited }) => exited)
      )
      expect(process).toMatchObject({ left: { _tag: "SubstrateFailed", errno: 2 } })
    }))

  test("ends a running command's wait when the container goes", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const process = yield* container.start(sh("sleep 1000", endless), { stdin: false })
      const exited = yield* Effect.fork(Effect.either(process.exited))
      const last = yield* Effect.fork(Effect.option(Stream.runLast(process.output)))
      yield* container.destroy
      const outcome = yield* Fiber.join(exited)
      if (outcome._tag === "Right") expect(outcome.right.how).toBe("gone")
      expect(Option.isOption(yield* Fiber.join(last))).toBe(true)
    }))
}
