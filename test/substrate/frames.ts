/** Arbitrary frames of both directions. */
import fc from "fast-check"
import { HOW, STATES } from "../../src/substrate/local/Listing.js"
import type { Reply } from "../../src/substrate/local/Reply.js"
import type { Request } from "../../src/substrate/local/Request.js"

const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const u64 = fc.maxSafeNat()
/** Well-formed UTF-16 without NUL: what a str can carry. */
const str = fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replaceAll("\0", "."))
const list = fc.array(str, { maxLength: 8 })
const bytes = fc.uint8Array({ maxLength: 30_000 })
const tag = <const T extends string>(name: T) => fc.constant(name)
const name = fc.constantFrom("a", "deep/er/file", "odd\nname", "žluť", "..x", "x..", "...")

export const container = u32

export const request: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ _tag: tag("Hello"), version: u32 }),
  fc.record({
    _tag: tag("Create"),
    limits: fc.record({ memoryBytes: u64, cpuMillis: u32, pids: u32, tmpBytes: u64 }),
    hostname: str
  }),
  fc.record({ _tag: tag("Limit"), limits: fc.record({ memoryBytes: u64, cpuMillis: u32, pids: u32 }) }),
  fc.record({ _tag: tag("Put"), path: str, mode: u32, append: fc.boolean(), bytes }),
  fc.record({
    _tag: tag("Exec"),
    exec: u32,
    tty: fc.boolean(),
    stdin: fc.boolean(),
    final: fc.boolean(),
    timeoutMillis: u32,
    outputCap: u32,
    columns: u16,
    rows: u16,
    cwd: str,
    argv: list,
    env: list,
    log: fc.option(fc.record({ path: str, cap: u64 }), { nil: undefined })
  }),
  fc.record({ _tag: tag("Stdin"), exec: u32, bytes }),
  fc.record({ _tag: tag("Resize"), exec: u32, columns: u16, rows: u16 }),
  fc.record({ _tag: tag("Signal"), exec: u32, signo: u32 }),
  fc.record({ _tag: tag("Collect"), exec: u32, directory: str, files: u32, bytes: u64, exclude: list }),
  fc.record({ _tag: tag("Keep"), label: str }),
  fc.record({ _tag: tag("Attach"), directory: str }),
  fc.record({ _tag: tag("Egress"), port: u16, path: str }),
  fc.record({ _tag: tag("Grant"), exec: u32, bytes: u32 }),
  fc.record({ _tag: fc.constantFrom("Freeze", "Unfreeze", "Destroy", "List", "Seal") })
)

const buffer = bytes.map((view) => Buffer.from(view))

const exit = fc.record({
  _tag: tag("Exit"),
  exec: u32,
  how: fc.constantFrom(...HOW),
  code: u32,
  userMicros: u64,
  systemMicros: u64,
  peakBytes: u64,
  wallMicros: u64,
  stdoutBytes: u64,
  stderrBytes: u64,
  stdoutTruncated: fc.boolean(),
  stderrTruncated: fc.boolean(),
  oom: fc.boolean()
})

const gone = fc.record({
  reason: fc.constantFrom("asked", "died", "timed-out", "oom", "shutdown"),
  cpuMicros: u64,
  peakBytes: u64,
  left: u32
})

const listed = fc.record({
  container: u32,
  state: fc.constantFrom(...STATES),
  kept: fc.boolean(),
  label: str,
  hostname: str,
  execs: fc.array(fc.record({ exec: u32, ended: fc.boolean(), how: fc.constantFrom(...HOW), code: u32 }), {
    maxLength: 4
  })
})

export const reply: fc.Arbitrary<Reply> = fc.oneof(
  fc.record({ _tag: tag("Hello"), version: u32, facts: str }),
  fc.record({ _tag: fc.constantFrom("Created", "Limited", "Sealed"), seal: str }),
  fc.record({ _tag: tag("Failed"), exec: u32, errno: u32, stage: str, message: str }),
  fc.record({ _tag: tag("Started"), exec: u32, pid: u32 }),
  fc.record({ _tag: tag("Out"), exec: u32, stream: fc.constantFrom("stdout", "stderr"), bytes: buffer }),
  exit,
  fc.record({ _tag: tag("File"), exec: u32, path: name, mode: u32, size: u64, last: fc.boolean(), bytes: buffer }),
  fc.record({ _tag: tag("Gone"), gone }),
  fc.record({ _tag: fc.constantFrom("Frozen", "Thawed", "Kept", "Attached", "Listening") }),
  fc.record({ _tag: tag("Listing"), containers: fc.array(listed, { maxLength: 9 }) }),
  fc.record({ _tag: tag("Error"), message: str }),
  fc.record({ _tag: tag("Room"), exec: u32, bytes: u32 })
)
