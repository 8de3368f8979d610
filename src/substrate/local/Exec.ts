/** The frame that starts a command, and the wait until it has. */
import { Deferred, Effect } from "effect"
import { type Command, type LogFile, type ProcessOptions, type SubstrateError, SubstrateFailed } from "../Substrate.js"
import { room, roomOf, type Writer } from "./Writer.js"

export interface Exec {
  readonly _tag: "Exec"
  readonly exec: number
  readonly tty: boolean
  readonly stdin: boolean
  readonly final: boolean
  readonly timeoutMillis: number
  readonly outputCap: number
  readonly columns: number
  readonly rows: number
  readonly cwd: string
  readonly argv: ReadonlyArray<string>
  readonly env: ReadonlyArray<string>
  /** Its output goes there, and it outlives the connection. */
  readonly log: LogFile | undefined
}

/** The `out_cap` of a command whose output is not capped but granted piece by piece. */
const GRANTED = 0xffff_ffff

const START = "10 seconds"

const variables = (env: Command["env"]): ReadonlyArray<string> => {
  const list: Array<string> = []
  for (const name of Object.keys(env)) list.push(`${name}=${env[name]}`)
  return list
}

interface Way extends ProcessOptions {
  readonly granted?: boolean
  readonly log?: LogFile
}

export const request = (command: Command, way: Way, exec: number): Exec => ({
  _tag: "Exec",
  exec,
  tty: way.tty !== undefined,
  stdin: way.stdin,
  final: command.final,
  timeoutMillis: command.timeoutMillis,
  outputCap: way.granted === true ? GRANTED : command.outputCap,
  columns: way.tty?.columns ?? 0,
  rows: way.tty?.rows ?? 0,
  cwd: command.cwd,
  argv: command.argv,
  env: variables(command.env),
  log: way.log
})

export const write = (w: Writer, r: Exec): void => {
  w.u32(r.exec)
  w.u8((r.tty ? 1 : 0) | (r.stdin ? 2 : 0) | (r.final ? 4 : 0) | (r.log === undefined ? 0 : 8))
  w.u32(r.timeoutMillis)
  w.u32(r.outputCap)
  w.u16(r.columns)
  w.u16(r.rows)
  w.str(r.cwd)
  w.list(r.argv)
  w.list(r.env)
  if (r.log === undefined) return
  w.str(r.log.path)
  w.u64(r.log.cap)
}

/** An upper bound of its payload. */
export const bound = (r: Exec): number => 64 + room(r.cwd) + roomOf(r.argv) + roomOf(r.env) + room(r.log?.path ?? "")

const late = () => new SubstrateFailed({ stage: "exec", errno: 110, message: "the command did not start in time" })

export const begun = (started: Deferred.Deferred<void, SubstrateError>): Effect.Effect<void, SubstrateError> =>
  Effect.timeoutFail(Deferred.await(started), { duration: START, onTimeout: late })
