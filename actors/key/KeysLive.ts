/** Keys as actors: a command wakes the key's actor, which replays its few events, decides, and goes to sleep again. */
import { randomInt } from "node:crypto"
import { Effect, Layer, Option, Redacted } from "effect"
import { stream } from "../../events/Envelope.js"
import { noLimits, scopes } from "../../events/Grants.js"
import { PublicKey } from "../../events/Ids.js"
import { read } from "../../events/Key.js"
import { refuseRejected } from "../../src/guards/TransitionLegal.js"
import { EventLog } from "../../src/log/EventLog.js"
import { KeyTable } from "../../src/projections/KeyTable.js"
import { StoreUnavailable } from "../../src/store/Blobs.js"
import { Secrets } from "../../src/store/Secrets.js"
import * as Waking from "../Waking.js"
import * as Key from "./Key.js"
import { Keys } from "./Keys.js"

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
/** Secrets held in memory, opened; one that is not there is opened again. */
const OPENED = 10_000

const groups = (count: number, length: number): string =>
  Array.from({ length: count }, () =>
    Array.from({ length }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join("")
  ).join("-")

const root = {
  parent: null,
  generation: 0,
  givenTo: null,
  tier: "unlimited",
  limits: noLimits,
  scopes,
  confirm: "on"
} as const

const nameOf = (key: PublicKey) => `key/${key}`

const definition = (key: PublicKey, by: string) => ({
  stream: stream("key", key),
  by,
  capacity: 1,
  initial: Key.initial,
  decide: Key.decide,
  evolve: Key.evolve,
  read,
  react: () => Effect.void
})

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const secrets = yield* Secrets
  const table = yield* KeyTable
  const opened = new Map<PublicKey, string>()

  const command = (key: PublicKey, by: string, command: Key.Command) =>
    Waking.wake(log, definition(key, by), command).pipe(
      Effect.asVoid,
      Effect.catchTags({
        Rejected: (rejected) => refuseRejected(`key ${key}`, rejected),
        NotAccepted: Waking.unanswered,
        OutcomeUnknown: Waking.unanswered
      })
    )

  const create = (label: string, expiresAt: number | null, by: string) =>
    Effect.gen(function* () {
      const publicKey = PublicKey.make(`unsb-pk-${groups(4, 4)}`)
      const secretKey = `unsb-sk-${groups(4, 5)}`
      // A secret without its key is harmless; a key without its secret would be useless, so it stays while in doubt.
      yield* secrets.put(nameOf(publicKey), Redacted.make(secretKey))
      yield* command(
        publicKey,
        by,
        Key.Command.Create({ created: { ...root, key: publicKey, label, expiresAt } })
      ).pipe(
        Effect.tapError((error) =>
          error._tag === "LogUnavailable" && error.written === "unknown"
            ? Effect.void
            : Effect.ignore(secrets.delete(nameOf(publicKey)))
        )
      )
      return { publicKey, secretKey }
    })

  const open = (key: PublicKey) =>
    Effect.map(secrets.get(nameOf(key)), (found) => {
      if (opened.size >= OPENED) opened.clear()
      return Option.map(found, (secret) => {
        opened.set(key, Redacted.value(secret))
        return Redacted.value(secret)
      })
    }).pipe(Effect.catchTag("Unsealable", ({ name }) => new StoreUnavailable({ reason: `${name} cannot be unsealed` })))

  return Keys.of({
    create,
    suspend: (key, reason, by) => command(key, by, Key.Command.Suspend({ reason })),
    resume: (key, by) => command(key, by, Key.Command.Resume()),
    revoke: (key, reason, by) => command(key, by, Key.Command.Revoke({ reason })),
    secretOf: (key) => {
      const known = opened.get(key)
      return known === undefined ? open(key) : Effect.succeedSome(known)
    },
    list: table.list
  })
})

export const layer = Layer.effect(Keys, make)
