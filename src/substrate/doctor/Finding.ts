/** One thing that running containers needs of a machine, and how to get it. */
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { Data, Effect } from "effect"

export interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  /** What to do, when it is not ok. */
  readonly fix?: string
}

export const fine = (name: string, detail: string): Finding => ({ name, ok: true, detail })
export const missing = (name: string, detail: string, fix: string): Finding => ({ name, ok: false, detail, fix })

class NotRun extends Data.TaggedError("NotRun")<{ readonly reason: string }> {}

const LIMIT_MILLIS = 15_000

/** What a program prints, whatever its status, as long as it says something. */
export const prints = (program: string, args: ReadonlyArray<string>): Effect.Effect<string, NotRun> =>
  Effect.async((resume) => {
    const child = execFile(program, [...args], { timeout: LIMIT_MILLIS }, (error, stdout, stderr) => {
      const reason = stderr.trim() || (error?.message ?? "it printed nothing")
      resume(stdout === "" ? Effect.fail(new NotRun({ reason })) : Effect.succeed(stdout))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** A small file's text; undefined where it cannot be read. */
export const contents = (path: string): Effect.Effect<string | undefined> =>
  Effect.promise(() =>
    readFile(path, "utf8").then(
      (text) => text.trim(),
      () => undefined
    )
  )
