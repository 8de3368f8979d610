// Compiles the native programs, unless they are newer than their sources: `node src/native/build.mjs [--asan]`.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, "..", "..")
const build = join(root, "build")
const compiler = process.env.CC ?? "cc"
const strict = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fstack-protector-strong", "-g"]
const hardened = ["-O2", "-D_FORTIFY_SOURCE=2", "-fPIE"]
const sanitized = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]

const under = (directory, extension) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(extension))
    .map((name) => join(directory, name))

const sources = under(here, ".c").filter((path) => !path.endsWith("fuzz.c"))
const headers = under(here, ".h")
const asan = process.argv.includes("--asan")

// Static where libc allows it: forks copy fewer mappings, and a container's root need not have a loader for init.
const targets = asan
  ? [
      { name: "membrane-asan", sources, flags: [[...sanitized]] },
      { name: "fuzz-frame", sources: [join(here, "fuzz.c"), join(here, "frame.c")], flags: [[...sanitized]] }
    ]
  : [
      {
        name: "membrane",
        sources,
        flags: [
          [...hardened, "-static-pie"],
          [...hardened, "-pie"]
        ]
      },
      { name: "limit", sources: [join(root, "bench", "native", "limit.c")], flags: [["-O2"]] }
    ]

const fail = (message) => {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

const newest = (paths) => Math.max(...paths.map((path) => statSync(path).mtimeMs))

const isFresh = (output, inputs) => existsSync(output) && statSync(output).mtimeMs > newest(inputs)

const compile = (target, flags) => {
  // Others may be running the old program: the new one takes its name in one step.
  const temporary = join(build, `.${target.name}.${process.pid}`)
  const result = spawnSync(compiler, [...strict, ...flags, ...target.sources, "-o", temporary], { encoding: "utf8" })
  if (result.error?.code === "ENOENT")
    fail(`No C compiler (${compiler}) was found. Install one: apt-get install gcc libc6-dev`)
  if (result.status === 0) renameSync(temporary, join(build, target.name))
  else rmSync(temporary, { force: true })
  return result
}

const missingHeaders = (stderr) => /fatal error: (stdio|errno|fcntl|linux\/\w+)\.h/.test(stderr)

const make = (target) => {
  const output = join(build, target.name)
  const inputs = [...target.sources, ...headers, fileURLToPath(import.meta.url)]
  if (isFresh(output, inputs)) return
  let result
  for (const flags of target.flags) {
    result = compile(target, flags)
    if (result.status === 0) return
  }
  if (missingHeaders(result.stderr))
    fail(`The C library's headers are missing: apt-get install libc6-dev\n${result.stderr}`)
  fail(`${compiler} could not build ${target.name}:\n${result.stderr}`)
}

mkdirSync(build, { recursive: true })
for (const target of targets) if (target.sources.every(existsSync)) make(target)
