#!/usr/bin/env -S node --max-semi-space-size=64
/** The command `unsandbox`: runs what was compiled. */
import { existsSync, readFileSync } from "node:fs"
import { setFlagsFromString } from "node:v8"

/** Loading the program opens some hundred files at once; where they may not be open, node says anything but that. */
const FILES = 512

/** Node itself raises the soft limit to the hard one. */
const allowed = () => {
  try {
    return /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? "unlimited"
  } catch {
    return "unlimited"
  }
}

const limit = allowed()
const enough = limit === "unlimited" || Number(limit) >= FILES
if (!enough) {
  const message =
    `only ${limit} files may be open at once (the hard limit, \`ulimit -Hn\`): ${FILES} at least are needed, 4096 for a ` +
    "server. Raise it: LimitNOFILE= in the systemd unit, /etc/security/limits.conf, or `ulimit -n 4096` as root"
  const asJson = process.argv.includes("--json")
  process.stderr.write(
    asJson ? `${JSON.stringify({ error: "too_few_open_files", message })}\n` : `unsandbox: ${message}\n`
  )
  process.exitCode = 1
}

// The first line gives the young objects of many requests at once room to die in: a seventh of a request's instructions
// went into moving them about. Node takes that only on its command line.
// A server is slow until its code is compiled, and it has thousands of small functions: compiling each on its first
// call saved a third of the instructions of a request in the first ten thousand. Only before anything is loaded.
if (process.argv[2] === "serve") {
  setFlagsFromString("--always-sparkplug")
  setFlagsFromString("--no-lazy-feedback-allocation")
}

const program = new URL("../dist/src/main.js", import.meta.url)

if (enough && existsSync(program)) await import(program)
else if (enough) {
  process.stderr.write("unsandbox is not built yet: run `npm run build` (or `npm run demo`) in the project's root\n")
  process.exitCode = 1
}
