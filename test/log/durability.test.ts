import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { EventLog } from "../../src/log/EventLog.js"
import { draft } from "../support/drafts.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Kills the process `after` so many acknowledgements; resolves with all that it printed. */
const killed = (data: string, after: number) =>
  Effect.async<ReadonlyArray<string>, Error>((resume) => {
    const child = spawn(process.execPath, [here("../support/child.mjs"), here("appending.ts"), data], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let printed = ""
    let lines = 0
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      printed += text
      lines += text.split("\n").length - 1
      if (lines >= after) child.kill("SIGKILL")
    })
    child.on("close", (code, signal) => {
      if (signal !== "SIGKILL") resume(Effect.fail(new Error(`it ended by itself: ${code}`)))
      else resume(Effect.succeed(printed.split("\n").slice(0, -1)))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  }).pipe(Effect.timeout("30 seconds"))

const afterwards = Effect.gen(function* () {
  const log = yield* EventLog
  const rows = yield* log.page(0, 10_000)
  const verdict = yield* log.verify
  return { known: new Set(rows.map(({ seq, hash }) => `${seq} ${hash}`)), verdict }
})

describe("kill -9", () => {
  live("loses nothing that was acknowledged, and the chain verifies", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const acknowledged: Array<string> = []
      for (const after of [1, 333, 1_000]) {
        acknowledged.push(...(yield* killed(data, after)))
        const { known, verdict } = yield* Effect.provide(afterwards, storageIn(data))
        expect(acknowledged.filter((line) => !known.has(line))).toEqual([])
        expect(verdict).toMatchObject({ ok: true, events: known.size })
      }
      expect(acknowledged.length).toBeGreaterThanOrEqual(1_334)
      const appended = Effect.flatMap(EventLog, (log) => log.append(draft(1_000_000_000, 0)))
      expect(yield* Effect.provide(appended, storageIn(data))).toHaveLength(1)
    })
  )
})
