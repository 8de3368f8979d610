/** What can happen to the way out of semitrusted containers: the lists of the server, or of one key, are changed. */
import { Schema } from "effect"
import { PublicKey } from "./Ids.js"
import { define, reader } from "./Versioned.js"

/** A rule as it is written: `pypi.org`, `*.example.com:443`, `10.1.0.0/16`, `[2001:db8::1]:22`, `*`. */
const Rule = Schema.String.pipe(Schema.pattern(/^[\x21-\x7e]{1,300}$/))
const Rules = Schema.Array(Rule)

const Changed = Schema.TaggedStruct("EgressPolicyChanged", {
  /** Null: the server's own lists. */
  key: Schema.NullOr(PublicKey),
  /** The lists as they are from now on. */
  allow: Rules,
  deny: Rules,
  /** Of `allow`: what opens addresses that are closed to everybody otherwise. That the operator accepts it stands here. */
  opens: Rules
})

export const EgressEvent = Schema.Union(Changed)
export type EgressEvent = typeof EgressEvent.Type

export const all = [define("EgressPolicyChanged", Changed)]
export const read = reader<EgressEvent>(...all)
