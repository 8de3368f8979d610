#!/usr/bin/env node
/** The command `unsandbox`: runs what was compiled. */
import { existsSync } from "node:fs"
import { setFlagsFromString } from "node:v8"

// A server is slow until its code is compiled, and it has thousands of small functions: compiling each on its first
// call saved a third of the instructions of a request in the first ten thousand. Only before anything is loaded.
if (process.argv[2] === "serve") {
  setFlagsFromString("--always-sparkplug")
  setFlagsFromString("--no-lazy-feedback-allocation")
}

const program = new URL("../dist/src/main.js", import.meta.url)

if (existsSync(program)) await import(program)
else {
  process.stderr.write("unsandbox is not built yet: run `npm run build` (or `npm run demo`) in the project's root\n")
  process.exitCode = 1
}
