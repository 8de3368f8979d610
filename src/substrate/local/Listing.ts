/** What a spawner has, as it lists it: its containers, and the commands in them that outlive a connection. */
import type { Exited } from "../Substrate.js"
import type { Reader } from "./Reader.js"

export const STATES = ["creating", "running", "frozen", "going"] as const
export const HOW = ["exited", "signalled", "timed-out", "gone"] as const

/** A command that outlives the connection. */
interface LoggedExec {
  readonly exec: number
  /** Its Exit follows the listing. */
  readonly ended: boolean
  readonly how: Exited["how"]
  readonly code: number
}

export interface Listed {
  readonly container: number
  readonly state: "creating" | "running" | "frozen" | "going"
  readonly kept: boolean
  readonly label: string
  readonly hostname: string
  readonly execs: ReadonlyArray<LoggedExec>
}

const logged = (r: Reader): LoggedExec => ({
  exec: r.u32(),
  ended: r.flag(),
  how: r.nth(HOW, r.u8(), "way to end"),
  code: r.u32()
})

const listed = (r: Reader): Listed => ({
  container: r.u32(),
  state: r.nth(STATES, r.u8(), "state"),
  kept: r.flag(),
  label: r.str(),
  hostname: r.str(),
  execs: Array.from({ length: r.count(10) }, () => logged(r))
})

export const read = (r: Reader): ReadonlyArray<Listed> => Array.from({ length: r.count(18) }, () => listed(r))
