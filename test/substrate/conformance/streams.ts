/** Output without an end: to whoever reads as fast as he likes, or to a file that stays small. */
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { Chunk, Effect, Fiber, Stream } from "effect"
import { expect } from "vitest"
import type { Host } from "../conformance.js"
import { box, eventually, type Suite, says, sh } from "../running.js"

const endless = { timeoutMillis: 0 }
const all = { timeoutMillis: 0, outputCap: 0 }
const PIECE = 65_536

/** Writes `pieces` and notes how far it is. */
const writer = (pieces: number) =>
  `i=0; while [ $i -lt ${pieces} ]; do head -c ${PIECE} /dev/zero; i=$((i+1)); echo $i >/tmp/n; done; exit 9`

export const streams =
  (host: Host): Suite =>
  (test) => {
    test("makes a program wait for who does not read, and loses nothing", () =>
      Effect.gen(function* () {
        const container = yield* box()
        const process = yield* container.start(sh(writer(400), all), { stdin: false })
        const written = Effect.map(says(container, "cat /tmp/n"), Number)
        yield* eventually(Effect.map(written, (n) => n >= 8))
        yield* Effect.sleep("500 millis")
        const stalled = yield* written
        expect(stalled).toBeLessThan(50)
        yield* Effect.sleep("200 millis")
        expect(yield* written).toBe(stalled)
        const read = yield* Stream.runFold(process.output, 0, (sum, { bytes }) => sum + bytes.length)
        expect(read).toBe(400 * PIECE)
        expect(yield* process.exited).toMatchObject({ how: "exited", code: 9, stdoutTruncated: false })
      }))

    test("goes at the pace of who reads slowly", () =>
      Effect.gen(function* () {
        const container = yield* box()
        const process = yield* container.start(sh("head -c 4000000 /dev/zero; head -c 4000000 /dev/zero >&2", all), {
          stdin: false
        })
        const sizes = yield* process.output.pipe(
          Stream.mapEffect(({ bytes, stream }) => Effect.as(Effect.sleep("1 millis"), [stream, bytes.length] as const)),
          Stream.runCollect
        )
        const of = (name: string) =>
          Chunk.reduce(sizes, 0, (sum, [stream, length]) => sum + (stream === name ? length : 0))
        expect([of("stdout"), of("stderr")]).toEqual([4_000_000, 4_000_000])
      }))

    test("ends a program whose output nobody reads any more", () =>
      Effect.gen(function* () {
        const container = yield* box()
        yield* Effect.scoped(container.start(sh("exec yes 54321", all), { stdin: false }))
        yield* eventually(
          Effect.map(says(container, "cat /proc/[0-9]*/cmdline | grep -c 5432[1]"), (count) => count === "0")
        )
        // Its place is free again: more of them than may run at once.
        for (let n = 0; n < 70; n++) yield* Effect.scoped(container.start(sh("exec yes", all), { stdin: false }))
      }))

    test("holds one terminal back and none beside it", () =>
      Effect.gen(function* () {
        const container = yield* box()
        const tty = { columns: 80, rows: 24 }
        yield* container.start(sh("exec yes", all), { stdin: false, tty })
        const other = yield* container.start(sh("seq 1 20000", all), { stdin: false, tty })
        const bytes = yield* Effect.fork(Stream.runFold(other.output, 0, (sum, piece) => sum + piece.bytes.length))
        expect(yield* Fiber.join(bytes)).toBe(108_894 + 20_000)
      }))

    test("keeps the latest of a launched command's output in bounds", () =>
      Effect.gen(function* () {
        const [container, path] = [yield* box(), join(host.directory(), "log")]
        const launched = yield* container.launch(sh("seq 1 100000", endless), { path, cap: 100_000 })
        expect(yield* launched.exited).toMatchObject({ how: "exited", code: 0, stdoutBytes: 588_895 })
        expect(statSync(path).size).toBeLessThanOrEqual(100_000)
        expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(100_000)
        expect(statSync(path).mode & 0o777).toBe(0o600)
        const last = readFileSync(`${path}.1`, "utf8") + readFileSync(path, "utf8")
        expect(last.endsWith("99999\n100000\n")).toBe(true)
        expect(last.length).toBeGreaterThan(50_000)
      }))

    test("appends to the log that is there, of both streams", () =>
      Effect.gen(function* () {
        const [container, path] = [yield* box(), join(host.directory(), "log")]
        const log = { path, cap: 100_000 }
        for (const word of ["one", "two"]) {
          const { exited } = yield* container.launch(sh(`echo ${word}; echo ${word} >&2; exit 4`, endless), log)
          expect(yield* exited).toMatchObject({ how: "exited", code: 4 })
        }
        expect(readFileSync(path, "utf8")).toBe("one\none\ntwo\ntwo\n")
        expect(existsSync(`${path}.1`)).toBe(false)
      }))

    test("signals what was launched, and ends it with its container", () =>
      Effect.gen(function* () {
        const [container, directory] = [yield* box(), host.directory()]
        const log = (name: string) => ({ path: join(directory, name), cap: 4096 })
        const [one, two] = yield* Effect.all([
          container.launch(sh("exec sleep 1000", endless), log("1")),
          container.launch(sh("exec sleep 1000", endless), log("2"))
        ])
        yield* one.signal(15)
        expect(yield* one.exited).toMatchObject({ how: "signalled", code: 15 })
        const ending = yield* Effect.fork(Effect.either(two.exited))
        yield* container.destroy
        const ended = yield* ending
        if (ended._tag === "Right") expect(ended.right.how).toBe("gone")
        else expect(ended.left._tag).toBe("SubstrateFailed")
      }))

    test("says that a log cannot be had, or a program not be started", () =>
      Effect.gen(function* () {
        const [container, directory] = [yield* box(), host.directory()]
        const nowhere = { path: join(directory, "none", "log"), cap: 4096 }
        expect(yield* Effect.flip(container.launch(sh("true", endless), nowhere))).toMatchObject({ stage: "log" })
        const missing = sh("true", { ...endless, argv: ["/nowhere"] })
        const outcome = yield* Effect.either(
          Effect.flatMap(container.launch(missing, { path: join(directory, "log"), cap: 4096 }), ({ exited }) => exited)
        )
        expect(outcome).toMatchObject({ left: { _tag: "SubstrateFailed", errno: 2 } })
      }))
  }
