/** Whoever cannot look does not say that nobody is there. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { expect, it } from "vitest"

const child = join(import.meta.dirname, "..", "support", "child.mjs")
const starved = join(import.meta.dirname, "starved.ts")

it("a look without descriptors is none, and one with them is", async () => {
  const one = spawn("sh", ["-c", 'ulimit -n 256; exec "$@"', "sh", process.execPath, child, starved])
  const [said, complained] = await Promise.all([text(one.stdout), text(one.stderr)])
  expect(complained).toBe("")
  expect(JSON.parse(said)).toEqual([null, 0])
}, 30_000)
