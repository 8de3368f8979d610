/** Small drafts on streams of keys, by number. */
import type { AnyEvent } from "../../events/Catalogue.js"
import { stream } from "../../events/Envelope.js"
import { PublicKey } from "../../events/Ids.js"
import type { Draft } from "../../src/log/EventLog.js"
import { keyCreated } from "./births.js"

export const key = (n: number): PublicKey => PublicKey.make(`unsb-pk-test-${n}`)
export const streamOf = (n: number) => stream("key", key(n))

export const created = (n: number, label = "a key"): AnyEvent => keyCreated(key(n), { label })
export const suspended = (n: number, reason = "asked"): AnyEvent => ({ _tag: "KeySuspended", key: key(n), reason })
export const resumed = (n: number): AnyEvent => ({ _tag: "KeyResumed", key: key(n) })

export const draft = (n: number, expected: number, ...events: ReadonlyArray<AnyEvent>): Draft => ({
  stream: streamOf(n),
  expected,
  events: events.length > 0 ? events : [created(n)],
  by: "root/test"
})
