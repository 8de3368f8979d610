/** How a command ends when it does not end well: a sentence for people, a code for programs, a status for the shell. */
import { Cause, Data } from "effect"
import { Declined } from "../rpc/Control.js"

/** The exit statuses that clients of this API have always had. */
export const exits = { ok: 0, general: 1, usage: 2, auth: 3, api: 4, timeout: 5 } as const
type Ending = Exclude<keyof typeof exits, "ok">

export class Failure extends Data.TaggedError("Failure")<{
  readonly ending: Ending
  readonly code: string
  readonly message: string
}> {}

/** It ran to its end and what it found is bad (a broken chain, a failed check): everything is said already. */
export class Unsatisfied extends Data.TaggedError("Unsatisfied")<{}> {}

export const general = (code: string, message: string) => new Failure({ ending: "general", code, message })
export const usage = (message: string) => new Failure({ ending: "usage", code: "usage", message })

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

/** Our own errors carry `message` or `reason`; of anything else the first line must do. */
const sentence = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return String(error)
  const { message, path, reason } = error as Readonly<Record<string, unknown>>
  const inner = typeof reason === "object" && reason !== null ? sentence(reason) : text(reason)
  const told = text(message) ?? inner ?? String(error)
  return typeof path === "string" ? `${path}: ${told}` : told
}

const tag = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : "failed"

/** What any cause means to whoever typed the command. */
export const explain = (cause: Cause.Cause<unknown>): Failure => {
  const error = Cause.squash(cause)
  if (error instanceof Failure) return error
  if (error instanceof Declined)
    return new Failure({
      ending: error.code === "timeout" ? "timeout" : "api",
      code: error.code,
      message: error.message
    })
  return general(tag(error), sentence(error))
}
