/** A language's program on the bare machine: the same files and the same argv as in a container, with nothing around it. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { plan, type Toolchain, toolchain } from "../src/languages/Plan.js"

const workspace = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "unsandbox-bench-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

/** Builds at the same time must not write one file: `$$` is the number of the shell that compiles and becomes the program. */
const apart = (argv: ReadonlyArray<string>, binary: string) =>
  argv.map((word) => word.replaceAll(new RegExp(`${binary}(?=[ ;]|$)`, "g"), `${binary}.$$$$`))

/** What to execute; the files go with the scope. */
export const local = Effect.fnUntraced(function* (of: Toolchain, code: string) {
  const directory = yield* workspace
  const { artifact, files, steps } = plan(toolchain(of.language, of.paths, { directory }), code)
  for (const { content, mode, path } of files)
    yield* Effect.promise(async () => {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content, { mode })
    })
  return of.language.compile === undefined ? steps[0].argv : apart(steps[0].argv, join(directory, artifact ?? "main"))
})
