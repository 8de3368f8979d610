#!/usr/bin/env node
/** The command `unsandbox`: runs what was compiled. */
import { existsSync } from "node:fs"

const program = new URL("../dist/src/main.js", import.meta.url)

if (existsSync(program)) await import(program)
else {
  process.stderr.write("unsandbox is not built yet: run `npm run build` (or `npm run demo`) in the project's root\n")
  process.exitCode = 1
}
