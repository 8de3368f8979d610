/** What may be asked of the membrane: everything that a frame could not carry truthfully is refused before it is sent. */
import { type Command, type Limits, SubstrateFailed } from "../Substrate.js"
import { MAX_FRAME } from "./Frame.js"

const LIST_MAX = 16_384
const PATH_MAX = 4_095
const U32_MAX = 0xffff_ffff
/** Node's timers fire at once beyond 2^31-1 ms. */
const TIMEOUT_MAX = 2_000_000_000

const EINVAL = 22
const E2BIG = 7

const refuse = (message: string, errno = EINVAL) => new SubstrateFailed({ stage: "argument", errno, message })

const whole = (value: number, max: number): boolean => Number.isInteger(value) && value >= 0 && value <= max

const plain = (part: string): boolean => part !== "" && part !== "." && part !== ".." && Buffer.byteLength(part) <= 255

/** Absolute, normalised, below /tmp. */
const below = (path: string): boolean =>
  path.startsWith("/tmp/") && Buffer.byteLength(path) <= PATH_MAX && path.slice(1).split("/").every(plain)

const size = (values: ReadonlyArray<string>): number =>
  values.reduce((sum, value) => sum + 4 + Buffer.byteLength(value), 4)

const texts = (command: Command): SubstrateFailed | undefined => {
  const env = Object.entries(command.env)
  if (command.argv.length === 0) return refuse("argv is empty")
  if (command.argv.length > LIST_MAX || env.length > LIST_MAX) return refuse("too many arguments or variables", E2BIG)
  for (const [name, value] of env) {
    if (name === "" || name.includes("=")) return refuse(`${JSON.stringify(name)} is no name of a variable`)
    if (name.includes("\0") || value.includes("\0")) return refuse(`NUL in the variable ${JSON.stringify(name)}`)
  }
  if (command.argv.some((word) => word.includes("\0"))) return refuse("NUL in an argument")
  if (!command.cwd.startsWith("/") || command.cwd.includes("\0")) return refuse("cwd is not an absolute path")
  const bytes = size(command.argv) + size([command.cwd]) + env.reduce((sum, pair) => sum + 1 + size(pair), 0)
  return bytes > MAX_FRAME - 1024 ? refuse(`argv and env take ${bytes} bytes`, E2BIG) : undefined
}

/** Why the command cannot be sent, if it cannot. */
export const command = (command: Command): SubstrateFailed | undefined => {
  if (!whole(command.timeoutMillis, TIMEOUT_MAX)) return refuse("timeoutMillis out of range")
  if (!whole(command.outputCap, U32_MAX)) return refuse("outputCap out of range")
  for (const { path, mode } of command.files) {
    if (path.includes("\0") || !below(path)) return refuse(`${JSON.stringify(path)} is not a plain path below /tmp`)
    if (!whole(mode, 0o7777)) return refuse(`mode of ${JSON.stringify(path)}`)
  }
  return texts(command)
}

export const limits = (limits: Limits): SubstrateFailed | undefined => {
  const { cpuMillis, memoryBytes, pids, tmpBytes } = limits
  const ok =
    whole(cpuMillis, U32_MAX) &&
    whole(pids, U32_MAX) &&
    whole(memoryBytes, Number.MAX_SAFE_INTEGER) &&
    whole(tmpBytes, Number.MAX_SAFE_INTEGER) &&
    cpuMillis * memoryBytes * pids * tmpBytes > 0
  return ok ? undefined : refuse("every limit is a whole number above 0")
}

/** The kernel keeps at most 64 bytes of a host name. */
export const hostname = (name: string): SubstrateFailed | undefined =>
  /^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/.test(name) ? undefined : refuse("not a host name")

export const collect = (
  directory: string,
  bounds: { readonly files: number; readonly bytes: number; readonly exclude: ReadonlyArray<string> }
): SubstrateFailed | undefined => {
  if (directory.includes("\0") || !below(directory)) return refuse("not a plain path below /tmp")
  if (!whole(bounds.files, U32_MAX) || !whole(bounds.bytes, Number.MAX_SAFE_INTEGER)) return refuse("bounds")
  if (bounds.exclude.length > LIST_MAX || size(bounds.exclude) > MAX_FRAME / 2) return refuse("exclude", E2BIG)
  return bounds.exclude.some((path) => path.includes("\0")) ? refuse("NUL in exclude") : undefined
}

export const signal = (signo: number): SubstrateFailed | undefined =>
  whole(signo, 64) && signo > 0 ? undefined : refuse(`signal ${signo}`)

export const terminal = (columns: number, rows: number): SubstrateFailed | undefined =>
  whole(columns, 0xffff) && whole(rows, 0xffff) ? undefined : refuse("size of the terminal")
