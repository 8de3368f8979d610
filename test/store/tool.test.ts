/** Tools of the host that cannot be run. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as Tool from "../../src/store/Tool.js"
import { live } from "../support/it.js"

const child = join(import.meta.dirname, "..", "support", "child.mjs")
const starved = join(import.meta.dirname, "starved.ts")

it("are a failure where there is no descriptor for them, and run again when there is", async () => {
  const script = 'ulimit -n 256; exec "$@"'
  // A group of its own: a signal to a process that never was would be for all of it.
  const one = spawn("sh", ["-c", script, "sh", process.execPath, child, starved], { detached: true })
  const [said, complained] = await Promise.all([text(one.stdout), text(one.stderr)])
  expect(complained).toBe("")
  expect(JSON.parse(said)).toMatchObject([
    { _tag: "Left", left: { _tag: "ToolFailed", tool: "true", code: null, said: expect.stringContaining("EMFILE") } },
    { _tag: "Right", right: "fine\n" }
  ])
}, 30_000)

live("are a failure where node throws that they cannot be started", () =>
  Effect.gen(function* () {
    const failed = yield* Effect.flip(Tool.run(["true", "x".repeat(2 ** 20)], "1 minutes"))
    expect(failed).toMatchObject({ _tag: "ToolFailed", code: null, said: expect.stringContaining("E2BIG") })
  })
)
