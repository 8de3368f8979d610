/** What may be asked of the membrane: everything that a frame could not carry truthfully is refused before it is sent. */
import { type Command, type Limits, type LogFile, SubstrateFailed } from "../Substrate.js"
import { MAX_FRAME } from "./Frame.js"

const LIST_MAX = 16_384
const PATH_MAX = 4_095
/** sizeof sun_path, less its NUL. */
const SOCKET_PATH_MAX = 107
const LOG_MIN = 4_096
const LOG_MAX = 2 ** 40
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
  if (!whole(command.outputCap, U32_MAX - 1)) return refuse("outputCap out of range")
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

/** A path of the host's. */
const absolute = (path: string): boolean =>
  path.startsWith("/") && !path.includes("\0") && Buffer.byteLength(path) <= PATH_MAX

export const launch = (of: Command, log: LogFile): SubstrateFailed | undefined => {
  if (!absolute(log.path)) return refuse("the log is no absolute path")
  if (!whole(log.cap, LOG_MAX) || log.cap < LOG_MIN) return refuse("the log's cap is not between 4 KiB and 1 TiB")
  if (of.stdin !== undefined || of.final) return refuse("a launched command has no input, and is not final")
  return command(of)
}

export const attach = (directory: string): SubstrateFailed | undefined =>
  absolute(directory) ? undefined : refuse("the volume is no absolute path")

export const keep = (label: string): SubstrateFailed | undefined =>
  /^[\x20-\x7e]{1,128}$/.test(label) ? undefined : refuse("a label is 1 to 128 printable ASCII characters")

export const port = (port: number): SubstrateFailed | undefined =>
  whole(port, 0xffff) && port > 0 ? undefined : refuse(`port ${port}`)

export const egress = (of: number, path: string): SubstrateFailed | undefined => {
  const fits = absolute(path) && Buffer.byteLength(path) <= SOCKET_PATH_MAX
  return port(of) ?? (fits ? undefined : refuse("the proxy's socket is no absolute path that a socket can have"))
}

export const signal = (signo: number): SubstrateFailed | undefined =>
  whole(signo, 64) && signo > 0 ? undefined : refuse(`signal ${signo}`)

export const terminal = (columns: number, rows: number): SubstrateFailed | undefined =>
  whole(columns, 0xffff) && whole(rows, 0xffff) ? undefined : refuse("size of the terminal")
