/** Why something failed, in words for whoever reads how a job or a container ended. */

import { Cause, Option } from "effect"

export interface Failure {
  readonly _tag: string
  readonly message: string
  readonly reason?: unknown
}

/** Many of our errors say it in `reason`, which makes no message of its own. */
export const why = ({ _tag, message, reason }: Failure): string =>
  (typeof reason === "string" ? reason : message) || _tag

export const whyOf = (cause: Cause.Cause<Failure>): string =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => Cause.pretty(cause),
    onSome: (error) => `${error._tag}: ${why(error)}`
  })
