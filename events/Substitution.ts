/** What can happen to a marked variable of a service: its value goes out in a request, or its placeholder is left standing. */
import { Schema } from "effect"
import { ContainerId, PublicKey, ServiceId } from "./Ids.js"
import { define, reader } from "./Versioned.js"

const Of = {
  service: ServiceId,
  owner: PublicKey,
  container: ContainerId,
  /** Its name; the value is in no event. */
  variable: Schema.String,
  /** Of the first request of its kind: what is alike within an hour is told once. */
  host: Schema.String,
  port: Schema.Int
}

/** Told before the value leaves. */
const Substituted = Schema.TaggedStruct("SecretSubstituted", {
  ...Of,
  /** What permits it, as its owner wrote it. */
  mark: Schema.String
})
/** Its placeholder went to a host that the variable is not marked for. */
const Withheld = Schema.TaggedStruct("SecretWithheld", Of)

export const SubstitutionEvent = Schema.Union(Substituted, Withheld)
export type SubstitutionEvent = typeof SubstitutionEvent.Type

export const all = [define("SecretSubstituted", Substituted), define("SecretWithheld", Withheld)]
export const read = reader<SubstitutionEvent>(...all)
