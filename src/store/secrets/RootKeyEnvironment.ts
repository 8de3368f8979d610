/** Root keys that the operator hands over in the environment: taken once, at the start, and then gone from it. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs"
import { Context, Redacted } from "effect"

export const CURRENT = "UNSANDBOX_ROOT_KEY"
export const PREVIOUS = "UNSANDBOX_ROOT_KEY_PREVIOUS"

export interface Offered {
  readonly current: Redacted.Redacted<string> | undefined
  readonly previous: Redacted.Redacted<string> | undefined
  /** What was taken can still be read in `/proc/PID/environ`, and why. */
  readonly exposed: string | undefined
}

const nothing: Offered = { current: undefined, previous: undefined, exposed: undefined }

/** Nothing, unless the program took it. */
export class RootKeyEnvironment extends Context.Reference<RootKeyEnvironment>()("store/secrets/RootKeyEnvironment", {
  defaultValue: () => nothing
}) {}

/** Fields 50 and up of stat(5); the name before them may hold spaces and parentheses. */
const startOfEnvironment = (): number => {
  const stat = readFileSync("/proc/self/stat", "latin1")
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[47])
}

/** Where the values of these variables stand in it: every one, also of a variable that is set twice. */
const valuesIn = (environ: Buffer, names: ReadonlyArray<string>): ReadonlyArray<readonly [number, number]> => {
  const found: Array<readonly [number, number]> = []
  for (let at = 0; at < environ.length; ) {
    const end = environ.indexOf(0, at)
    const next = end < 0 ? environ.length : end
    const name = names.find((one) => environ.toString("latin1", at, at + one.length + 1) === `${one}=`)
    if (name !== undefined) found.push([at + name.length + 1, next])
    at = next + 1
  }
  return found
}

/** A process's first environment stays in its memory, for root and its own user to read, whatever it unsets. */
const wipe = (names: ReadonlyArray<string>): void => {
  const start = startOfEnvironment()
  const values = valuesIn(readFileSync("/proc/self/environ"), names)
  const memory = openSync("/proc/self/mem", "r+")
  try {
    for (const [from, to] of values) writeSync(memory, Buffer.alloc(to - from, 0x2a), 0, to - from, start + from)
  } finally {
    closeSync(memory)
  }
  const environ = readFileSync("/proc/self/environ")
  const wiped = valuesIn(environ, names).every(([from, to]) =>
    environ.subarray(from, to).every((byte) => byte === 0x2a)
  )
  if (!wiped) throw new Error("it was not overwritten")
}

const attempt = (work: () => void): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return String(error)
  }
}

/** Unsets both variables of this process, so that no child inherits them, and wipes what they held from its memory. */
export const take = (environment: NodeJS.ProcessEnv): Offered => {
  const taken = [CURRENT, PREVIOUS].map((name) => {
    const text = environment[name]
    delete environment[name]
    return text === undefined || text === "" ? undefined : Redacted.make(text)
  })
  const [current, previous] = taken
  if (current === undefined && previous === undefined) return nothing
  return { current, previous, exposed: attempt(() => wipe([CURRENT, PREVIOUS])) }
}
