/** Orders to open a session, to run a command in one, and to change one: what a caller may write, and the normal form. */
import { Either } from "effect"
import type { PoolId } from "../../events/Ids.js"
import type { Audit, Multiplexer } from "../../events/Session.js"
import { anything } from "./Fact.js"
import { absent, BOUNDS, bad, flag, isText, network, type Range, type Read, whole } from "./Order.js"
import { wellformed } from "./RequestWellformed.js"

/** As it came, under the contract's names; whoever reads the wire has resolved the aliases. */
export interface SessionWritten {
  readonly network_mode?: unknown
  readonly ttl?: unknown
  readonly shell?: unknown
  readonly multiplexer?: unknown
  readonly vcpu?: unknown
  readonly audit?: unknown
}

export interface SessionOrder {
  readonly network: PoolId
  /** Null: no limit. */
  readonly ttlMillis: number | null
  /** As the caller wrote it. */
  readonly shell: string
  readonly multiplexer: Multiplexer | null
  readonly vcpu: number
  readonly audit: Audit
}

const DAY = 86_400

const SESSION_BOUNDS = {
  /** 0 is no limit. */
  ttlSeconds: { least: 0, most: 365 * DAY, usual: 3_600 },
  commandBytes: 100 * 1024,
  /** Of a command beside the shell. */
  timeoutMillis: { least: 0, most: 900_000, usual: 30_000 },
  /** Of one in a service, which may be a migration: no limit is a week. */
  errandMillis: { least: 0, most: 7 * DAY * 1_000, usual: 30_000 }
} as const

const shell = (value: unknown): Read<string> => {
  if (absent(value) || value === "") return Either.right("bash")
  return isText(value) && value.length <= BOUNDS.languageLength && /^[\x21-\x7e]+$/.test(value)
    ? Either.right(value)
    : bad("shell", "shell must be a name such as bash or python3. GET /shells lists all.")
}

const multiplexer = (value: unknown): Read<Multiplexer | null> => {
  if (absent(value) || value === "" || value === false || value === "none") return Either.right(null)
  return value === "tmux" || value === "screen"
    ? Either.right(value)
    : bad("multiplexer", 'multiplexer must be "tmux" or "screen".')
}

const audit = (value: unknown): Read<Audit> =>
  value === "input" || value === "output" || value === "none"
    ? Either.right(value)
    : Either.map(flag("audit", value), (asked) => (asked ? "output" : "none"))

/** Seconds, and 0 is none. */
const ttl = (value: unknown): Read<number | null> =>
  Either.map(whole("ttl", value, SESSION_BOUNDS.ttlSeconds, " seconds, 0 for no limit"), (seconds) =>
    seconds === 0 ? null : seconds * 1_000
  )

export const sessionWellformed = wellformed(
  {
    network_mode: anything,
    ttl: anything,
    shell: anything,
    multiplexer: anything,
    vcpu: anything,
    audit: anything
  },
  (written: SessionWritten): Read<SessionOrder> =>
    Either.all({
      network: network(written.network_mode),
      ttlMillis: ttl(written.ttl),
      shell: shell(written.shell),
      multiplexer: multiplexer(written.multiplexer),
      vcpu: whole("vcpu", written.vcpu, BOUNDS.vcpu, ""),
      audit: audit(written.audit)
    })
)

export interface CommandOrder {
  readonly command: string
  readonly timeoutMillis: number
}

const command = (value: unknown): Read<string> => {
  if (!isText(value) || value === "") return bad("command", "command must be a non-empty string: the line to run.")
  if (Buffer.byteLength(value) > SESSION_BOUNDS.commandBytes)
    return bad("command", "command is larger than 100 KiB. Send a file instead.", "too_large", 413)
  if (value.includes("\0")) return bad("command", "command has a NUL byte, which no program can be given.")
  return value.isWellFormed() ? Either.right(value) : bad("command", "command is not valid Unicode.")
}

/** No command worth cutting off takes so few milliseconds: who writes less means seconds. */
const SURELY_SECONDS = 300

const timeout = (value: unknown): Read<number> =>
  Either.map(whole("timeout", value, SESSION_BOUNDS.timeoutMillis, " ms, 0 for the longest"), (given) => {
    if (given === 0) return SESSION_BOUNDS.timeoutMillis.most
    return given <= SURELY_SECONDS ? given * 1_000 : given
  })

interface CommandWritten {
  readonly command?: unknown
  readonly timeout?: unknown
}

export const commandWellformed = wellformed(
  { command: anything, timeout: anything },
  (written: CommandWritten): Read<CommandOrder> =>
    Either.all({ command: command(written.command), timeoutMillis: timeout(written.timeout) })
)

const errand = (value: unknown): Read<number> =>
  Either.map(
    whole("timeout", value, SESSION_BOUNDS.errandMillis, " ms, 0 for no limit"),
    (given) => given || SESSION_BOUNDS.errandMillis.most
  )

/** In a service its time is in milliseconds, however few. */
export const errandWellformed = wellformed(
  { command: anything, timeout: anything },
  (written: CommandWritten): Read<CommandOrder> =>
    Either.all({ command: command(written.command), timeoutMillis: errand(written.timeout) })
)

const boosted: Range = { ...BOUNDS.vcpu, usual: 2 }

export const boostWellformed = wellformed({ vcpu: anything }, (written: { readonly vcpu?: unknown }) =>
  Either.map(whole("vcpu", written.vcpu, boosted, ""), (vcpu) => ({ vcpu }))
)

export const extensionWellformed = wellformed({ ttl: anything }, (written: { readonly ttl?: unknown }) =>
  Either.map(ttl(written.ttl), (ttlMillis) => ({ ttlMillis }))
)
