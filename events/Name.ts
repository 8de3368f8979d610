/** What can happen to a name that only one service may have: a label, a domain, a port of this host. A stream each. */
import { Schema } from "effect"
import { PublicKey, ServiceId } from "./Ids.js"
import { define, reader } from "./Versioned.js"

const Claimed = Schema.TaggedStruct("NameClaimed", { name: Schema.String, service: ServiceId, owner: PublicKey })
const Released = Schema.TaggedStruct("NameReleased", { name: Schema.String, service: ServiceId })

export const NameEvent = Schema.Union(Claimed, Released)
export type NameEvent = typeof NameEvent.Type

export const all = [define("NameClaimed", Claimed), define("NameReleased", Released)]
export const read = reader<NameEvent>(...all)
