/** Commands: what they are given, what they give back. */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import { expect } from "vitest"
import { box, command, MIB, type Suite, says, sh, text } from "../running.js"

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

export const execution: Suite = (test) => {
  test("runs a command and says how it went", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const ran = yield* container.run(command(["echo", "hi there"]))
      expect(ran).toMatchObject({ how: "exited", code: 0, stdoutTruncated: false, stderrTruncated: false, oom: false })
      expect(ran).toMatchObject({ stdoutBytes: 9, stderrBytes: 0 })
      expect(text(ran.stdout)).toBe("hi there\n")
      expect(ran.wallMicros).toBeGreaterThan(0)
    }))

  test("keeps both streams apart", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const ran = yield* container.run(sh("echo out; echo err >&2"))
      expect([text(ran.stdout), text(ran.stderr)]).toEqual(["out\n", "err\n"])
    }))

  test("reports exit status and signal", () =>
    Effect.gen(function* () {
      const container = yield* box()
      expect(yield* container.run(sh("exit 7"))).toMatchObject({ how: "exited", code: 7 })
      expect(yield* container.run(sh("kill -TERM $$"))).toMatchObject({ how: "signalled", code: 15 })
      expect(yield* container.run(sh("kill -KILL $$"))).toMatchObject({ how: "signalled", code: 9 })
    }))

  test("says when there is no such program, and goes on", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const failed = yield* Effect.flip(container.run(command(["/usr/bin/no-such-program"])))
      expect(failed).toMatchObject({ _tag: "SubstrateFailed", errno: 2 })
      expect(yield* says(container, "echo still here")).toBe("still here")
    }))

  test("searches the command's own PATH", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const files = [{ path: "/tmp/bin/greet", mode: 0o755, content: Buffer.from("#!/bin/sh\necho greetings\n") }]
      const ran = yield* container.run(command(["greet"], { files, env: { PATH: "/tmp/bin:/usr/bin:/bin" } }))
      expect(text(ran.stdout)).toBe("greetings\n")
    }))

  test("feeds standard input, /dev/null without any", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const ran = yield* container.run(command(["cat"], { stdin: Buffer.from("some\0bytes") }))
      expect(text(ran.stdout)).toBe("some\0bytes")
      expect(yield* says(container, "cat; readlink /proc/self/fd/0")).toBe("/dev/null")
      expect((yield* container.run(command(["cat"], { stdin: new Uint8Array(0) }))).code).toBe(0)
    }))

  test("feeds a large input, read late or never", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const stdin = Buffer.alloc(4 * MIB, "0123456789abcdef-")
      const ran = yield* container.run(sh("sleep 0.3; sha256sum", { stdin }))
      expect(text(ran.stdout).slice(0, 64)).toBe(sha256(stdin))
      expect(yield* container.run(sh("exit 3", { stdin }))).toMatchObject({ how: "exited", code: 3 })
      expect(yield* container.run(sh("exec <&-; echo closed", { stdin }))).toMatchObject({ code: 0 })
    }))

  test("gives exactly the environment that was asked for", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const env = { A: "1", "odd name": "x=y", EMPTY: "", UNICODE: "žluť\n2" }
      const ran = yield* container.run(command(["/usr/bin/env", "-0"], { env }))
      expect(text(ran.stdout).split("\0").sort()).toEqual(
        ["", ...Object.entries(env).map(([name, value]) => `${name}=${value}`)].sort()
      )
    }))

  test("passes arguments as they are", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const words = ["", " ", "a b", "'\"$x`", "\n", "žluť", "-n"]
      const ran = yield* container.run(command(["printf", "%s\\0", ...words]))
      expect(text(ran.stdout)).toBe(words.map((word) => `${word}\0`).join(""))
    }))

  test("starts in cwd, and refuses one that is not there", () =>
    Effect.gen(function* () {
      const container = yield* box()
      expect(yield* says(container, "pwd", { cwd: "/usr/bin" })).toBe("/usr/bin")
      const failed = yield* Effect.flip(container.run(sh("pwd", { cwd: "/no/where" })))
      expect(failed).toMatchObject({ _tag: "SubstrateFailed", errno: 2 })
    }))

  test("keeps binary output intact", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const content = Buffer.from(Array.from({ length: 256 * 300 }, (_, index) => (index * 7) % 256))
      const files = [{ path: "/tmp/bytes", mode: 0o644, content }]
      const ran = yield* container.run(sh("cat bytes; cat bytes >&2", { files }))
      expect(Buffer.compare(ran.stdout, content)).toBe(0)
      expect(Buffer.compare(ran.stderr, content)).toBe(0)
    }))

  test("keeps what it promised of a flood, counts the rest, and buffers neither", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const flood = sh("head -c 52428800 /dev/zero; head -c 3000000 /dev/zero >&2", { outputCap: 100_000 })
      yield* container.run(flood)
      const before = process.memoryUsage().rss
      const ran = yield* container.run(flood)
      expect(ran).toMatchObject({ stdoutBytes: 52_428_800, stdoutTruncated: true })
      expect(ran).toMatchObject({ stderrBytes: 3_000_000, stderrTruncated: true })
      expect([ran.stdout.length, ran.stderr.length]).toEqual([100_000, 100_000])
      expect(process.memoryUsage().rss - before).toBeLessThan(24 * MIB)
    }))

  test("truncates nothing that just fits", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const ran = yield* container.run(sh("head -c 70000 /dev/zero", { outputCap: 70_000 }))
      expect(ran).toMatchObject({ stdoutBytes: 70_000, stdoutTruncated: false })
      const none = yield* container.run(sh("echo hi", { outputCap: 0 }))
      expect(none).toMatchObject({ stdoutBytes: 3, stdoutTruncated: true })
      expect(none.stdout.length).toBe(0)
    }))

  test("does not wait for what stays behind in the background", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const ran = yield* container.run(sh("sleep 1000 & echo done"))
      expect(ran).toMatchObject({ how: "exited", code: 0 })
      expect(text(ran.stdout)).toBe("done\n")
    }))

  test("runs commands side by side in one container", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const all = Array.from({ length: 20 }, (_, index) => says(container, `sleep 0.1; echo ${index}`))
      const said = yield* Effect.all(all, { concurrency: "unbounded" })
      expect(said).toEqual(all.map((_, index) => String(index)))
    }))

  const refused = {
    "an empty argv": command([]),
    "NUL in an argument": command(["echo", "a\0b"]),
    "NUL in a variable": command(["echo"], { env: { A: "\0" } }),
    "a variable without a name": command(["echo"], { env: { "": "x" } }),
    "a relative cwd": command(["echo"], { cwd: "tmp" }),
    "a file outside /tmp": command(["echo"], { files: [{ path: "/etc/x", mode: 0o644, content: Buffer.from("") }] }),
    "a path that climbs": command(["echo"], { files: [{ path: "/tmp/../x", mode: 0o644, content: Buffer.from("") }] }),
    "no timeout": command(["echo"], { timeoutMillis: 0 }),
    "a timeout that is no number": command(["echo"], { timeoutMillis: Number.NaN }),
    "an argv beyond all bounds": command(["echo", "x".repeat(2 * MIB)])
  }
  for (const [what, wrong] of Object.entries(refused))
    test(`refuses ${what}`, () =>
      Effect.gen(function* () {
        const container = yield* box()
        expect(yield* Effect.flip(container.run(wrong))).toMatchObject({ _tag: "SubstrateFailed", stage: "argument" })
        expect(yield* says(container, "echo fine")).toBe("fine")
      }))
}
