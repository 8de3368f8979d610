/** Brings a clone up to date before a script runs: dependencies, TypeScript, the native program. Needs only Node and npm. */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const at = (...parts) => join(root, ...parts)

const PACKAGES = "gcc g++ libc6-dev make python3"

/** Standard output belongs to the command that follows, so everything here is said on standard error. */
const say = (line) => process.stderr.write(`unsandbox: ${line}\n`)

const give = (why) => {
  say(why)
  process.exit(1)
}

const run = (command, args, hint) => {
  const done = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] })
  if (done.error?.code === "ENOENT") give(`${command} is not installed. ${hint}`)
  if (done.status !== 0) give(`\`${[command, ...args].join(" ")}\` failed (${done.signal ?? done.status}). ${hint}`)
}

const mtime = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

const newest = (path, wanted) => {
  if (!existsSync(path)) return 0
  if (!statSync(path).isDirectory()) return mtime(path)
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || wanted.test(entry.name))
    .reduce((latest, entry) => Math.max(latest, newest(join(path, entry.name), wanted)), 0)
}

/** A binary add-on fits one lock file and one version of Node's ABI. */
const dependencies = () => {
  const stamp = at("node_modules", ".unsandbox")
  const lock = createHash("sha256")
    .update(readFileSync(at("package-lock.json")))
    .digest("hex")
  const wanted = `${lock} ${process.versions.modules}\n`
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return
  const byHand = !existsSync(stamp) && mtime(at("node_modules", ".package-lock.json")) >= mtime(at("package-lock.json"))
  if (!byHand) {
    say("installing dependencies (npm ci)")
    const hint = `A native dependency may need a compiler: apt-get install ${PACKAGES}`
    run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=warn"], hint)
  }
  const addon = at("node_modules", "better-sqlite3", "build", "Release", "better_sqlite3.node")
  if (!existsSync(addon)) {
    say("building better-sqlite3 (its install script did not run)")
    run("npm", ["rebuild", "better-sqlite3", "--foreground-scripts", "--loglevel=warn"], `apt-get install ${PACKAGES}`)
  }
  writeFileSync(stamp, wanted)
}

const typescript = () => {
  const stamp = at("dist", ".built")
  const sources = ["events", "actors", "src", "bench", "tsconfig.json", "tsconfig.build.json", "package-lock.json"]
  const latest = Math.max(...sources.map((name) => newest(at(name), /\.ts$/)))
  if (mtime(stamp) > latest) return
  say("compiling TypeScript")
  const begun = new Date()
  run(process.execPath, [at("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"], "")
  mkdirSync(at("dist"), { recursive: true })
  writeFileSync(stamp, "")
  // Not now, when it ended: an edit made while it compiled must compile again.
  utimesSync(stamp, begun, begun)
}

const native = () => {
  run(process.execPath, [at("src", "native", "build.mjs")], "A C compiler is needed: apt-get install gcc libc6-dev")
}

const [major] = process.versions.node.split(".")
if (Number(major) < 20) give(`Node 20 or newer is needed; this is ${process.version}.`)
if (process.platform !== "linux") give("Linux is needed: the isolation is its kernel's.")
dependencies()
if (!process.argv.includes("--dependencies")) {
  typescript()
  native()
}
