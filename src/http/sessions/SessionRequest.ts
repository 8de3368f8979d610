/** The many ways in which clients ask for a session, made one: aliases resolved. Decides nothing. */
import { Either } from "effect"
import type { Reason } from "../../guards/Guard.js"
import type { SessionWritten } from "../../guards/SessionOrder.js"
import * as Normalise from "../Normalise.js"

type Fields = Normalise.Fields

export interface Asked {
  readonly order: SessionWritten
  readonly files: unknown
}

const multiplexer = (fields: Fields): unknown => {
  const named = fields.multiplexer ?? fields.persistence
  if (named === true || fields.tmux === true) return "tmux"
  return fields.screen === true ? "screen" : named
}

/** What the query says of the recording counts as much as what the body says. */
const auditOf = (target: string, said: unknown): unknown => {
  const mark = target.indexOf("?")
  const asked = mark < 0 ? null : new URLSearchParams(target.slice(mark)).get("audit")
  return asked === null || said === "input" ? said : asked
}

export const asked =
  (target: string) =>
  (fields: Fields): Asked => ({
    order: {
      network_mode: Normalise.first(fields.network_mode, fields.network),
      ttl: Normalise.first(fields.ttl, fields.timeout),
      shell: Normalise.first(fields.shell, fields.language),
      multiplexer: multiplexer(fields),
      vcpu: fields.vcpu,
      audit: auditOf(target, fields.audit)
    },
    files: Normalise.files(fields.input_files)
  })

export const open = (target: string, body: Buffer): Either.Either<Asked, Reason> =>
  Either.map(Normalise.object(body), asked(target))
