/** Contacts over the keys' own streams; what devices share with this server is in the sealed store alone. */
import { Clock, Effect, Layer, Option } from "effect"
import { stream } from "../../events/Envelope.js"
import type { PublicKey } from "../../events/Ids.js"
import { read } from "../../events/Key.js"
import * as History from "../../src/kernel/History.js"
import { EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import { KeyTable } from "../../src/projections/KeyTable.js"
import { StoreUnavailable } from "../../src/store/Blobs.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import * as Waking from "../Waking.js"
import * as Codes from "./Codes.js"
import * as Contact from "./Contact.js"
import { type Addresses, ContactRefused, Contacts, secretName } from "./Contacts.js"
import { use } from "./History.js"
import { mayCall } from "./Loopback.js"
import * as Totp from "./Totp.js"
import * as Webhook from "./Webhook.js"

interface Options {
  /** Codes to webhooks are signed with what is in this file. */
  readonly secretFile: string
}

const definition = (key: PublicKey) => ({
  stream: stream("key", key),
  by: "contacts",
  capacity: 1,
  initial: Contact.initial,
  decide: Contact.decide,
  evolve: Contact.evolve,
  read,
  react: () => Effect.void,
  done: () => false
})

const pendingName = (key: PublicKey): string => `totp-pending/${key}`

const refuse = (reason: string) => new ContactRefused({ reason })

const unusable = (key: PublicKey) => refuse(`there is no key ${key} that can be used`)

const EMAIL = /^[^\s<>(),;:"\\@[\]]{1,64}@[A-Za-z0-9.-]{1,190}$/

const wrongIn = ({ email, webhook }: Addresses): string | undefined => {
  if (email !== null && !EMAIL.test(email)) return `${JSON.stringify(email)} is not an address such as me@example.com`
  if (webhook === null || mayCall(webhook)) return undefined
  return "a webhook is an https:// URL, or http:// on this host"
}

const make = ({ secretFile }: Options) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const secrets = yield* Secrets
    const keys = yield* KeyTable

    const tell = (key: PublicKey, command: Contact.Command, by: string) =>
      Waking.wake(log, definition(key), command, { by }).pipe(
        Effect.asVoid,
        Effect.catchTags({
          Rejected: () => unusable(key),
          NotAccepted: Waking.unanswered,
          OutcomeUnknown: Waking.unanswered
        })
      )

    const known = (key: PublicKey) =>
      History.replay(definition(key), log).pipe(
        Effect.catchTag("Unreadable", ({ reason }) => new LogUnavailable({ reason, written: "no", unread: "history" })),
        Effect.flatMap(({ state }) => (state._tag === "Known" ? Effect.succeed(state) : unusable(key)))
      )

    const opened = (name: string) =>
      Effect.catchTag(secrets.get(name), "Unsealable", () => new StoreUnavailable({ reason: `${name} is unsealable` }))

    const change = (key: PublicKey, addresses: Addresses, by: string) =>
      Effect.gen(function* () {
        const wrong = wrongIn(addresses)
        if (wrong !== undefined) return yield* refuse(wrong)
        // Whoever receives them needs it before the first code comes.
        if (addresses.webhook !== null)
          yield* Effect.try({
            try: () => Webhook.secretIn(secretFile),
            catch: () => refuse(`${secretFile} is unusable`)
          })
        yield* tell(key, Contact.Command.Change(addresses), by)
      })

    const enrol = (key: PublicKey) =>
      Effect.gen(function* () {
        const { totp } = yield* known(key)
        if (totp) return yield* refuse(`${key} has a device; take it off first: unsandbox otp remove ${key}`)
        const secret = Totp.newSecret()
        yield* secrets.put(pendingName(key), secret)
        return Totp.uriOf(secret, key)
      })

    const confirm = (key: PublicKey, typed: string, by: string) =>
      Effect.gen(function* () {
        const { totp } = yield* known(key)
        const pending = yield* opened(pendingName(key))
        if (totp || Option.isNone(pending))
          return yield* refuse(`nothing waits to be confirmed; begin with: unsandbox otp enrol ${key}`)
        const millis = yield* Clock.currentTimeMillis
        const step = Totp.stepOf(pending.value, Codes.normal(typed), millis)
        if (step === undefined || !(yield* use(log, key, step)))
          return yield* refuse("that is not the code that the device shows now; wait for the next one")
        // A secret without its event is of no use; an event without its secret would let nobody confirm anything.
        yield* secrets.put(secretName(key), pending.value)
        yield* tell(key, Contact.Command.Enrol(), by)
        yield* secrets.delete(pendingName(key))
      })

    const remove = (key: PublicKey, by: string) =>
      Effect.gen(function* () {
        yield* tell(key, Contact.Command.Remove(), by)
        for (const name of [secretName(key), pendingName(key)]) yield* secrets.delete(name)
      })

    const list = Effect.map(keys.list, (all) =>
      all
        .filter(({ status }) => status !== "revoked")
        .map(({ contact: { email, webhook }, key, label, totp }) => ({ key, label, email, webhook, totp }))
    )

    return Contacts.of({ change, enrol, confirm, remove, list })
  })

export const layer = (options: Options) => Layer.effect(Contacts, make(options))
