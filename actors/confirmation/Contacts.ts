/** The door to where codes go (port): addresses and devices of keys, which only an operator changes. */
import { Context, Data, type Effect } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"
import type { Addresses } from "./Contact.js"

export type { Addresses } from "./Contact.js"

/** Nothing was changed; the reason names the fix. */
export class ContactRefused extends Data.TaggedError("ContactRefused")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

interface Listed extends Addresses {
  readonly key: PublicKey
  readonly label: string
  readonly totp: boolean
}

type Failure = ContactRefused | LogUnavailable | StoreUnavailable

/** Of the secret that a key's device shares with this server, in the sealed store. */
export const secretName = (key: PublicKey): string => `totp/${key}`

export class Contacts extends Context.Tag("actors/Contacts")<
  Contacts,
  {
    /** Durable when it resolves. */
    readonly change: (key: PublicKey, addresses: Addresses, by: string) => Effect.Effect<void, Failure>
    /** The `otpauth:` URI, this once; nothing is enrolled before a code of it was seen. */
    readonly enrol: (key: PublicKey) => Effect.Effect<string, Failure>
    /** Durable when it resolves: from now on codes of that device confirm, and no others. */
    readonly confirm: (key: PublicKey, code: string, by: string) => Effect.Effect<void, Failure>
    readonly remove: (key: PublicKey, by: string) => Effect.Effect<void, Failure>
    /** Keys that can still be used. */
    readonly list: Effect.Effect<ReadonlyArray<Listed>, LogUnavailable>
  }
>() {}
