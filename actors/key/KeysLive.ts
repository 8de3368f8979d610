/** Keys as actors: a command wakes the key's actor, which replays its few events, decides, and goes to sleep again. */
import { randomInt } from "node:crypto"
import { Effect, Layer, Option, Redacted } from "effect"
import { stream } from "../../events/Envelope.js"
import type { Confirm } from "../../events/Grants.js"
import { PublicKey } from "../../events/Ids.js"
import { read } from "../../events/Key.js"
import type { Refused } from "../../src/guards/Guard.js"
import { refuseRejected } from "../../src/guards/TransitionLegal.js"
import { EventLog, type LogUnavailable } from "../../src/log/EventLog.js"
import { KeyTable } from "../../src/projections/KeyTable.js"
import { StoreUnavailable } from "../../src/store/Blobs.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import * as Waking from "../Waking.js"
import * as Bearing from "./Bearing.js"
import * as Key from "./Key.js"
import { Keys, type Order } from "./Keys.js"

interface Options {
  /** What a new key gets when nothing is said. */
  readonly confirm: Confirm
}

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
/** Secrets held in memory, opened; one that is not there is opened again. */
const OPENED = 10_000

const groups = (count: number, length: number): string =>
  Array.from({ length: count }, () =>
    Array.from({ length }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join("")
  ).join("-")

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

type Told = Effect.Effect<void, LogUnavailable | Refused>

const make = ({ confirm: usual }: Options) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const secrets = yield* Secrets
    const table = yield* KeyTable
    const opened = new Map<PublicKey, string>()
    // One after the other: what a parent has is looked at and its child is made in one step with whatever revokes it.
    const alone = yield* Effect.makeSemaphore(1)

    const command = (key: PublicKey, by: string, command: Key.Command) =>
      Waking.wake(log, definition(key, by), command).pipe(
        Effect.asVoid,
        Effect.catchTags({
          Rejected: (rejected) => refuseRejected(`key ${key}`, rejected),
          NotAccepted: Waking.unanswered,
          OutcomeUnknown: Waking.unanswered
        })
      )

    const create = (order: Order, by: string) =>
      Effect.gen(function* () {
        const publicKey = PublicKey.make(`unsb-pk-${groups(4, 4)}`)
        const secretKey = `unsb-sk-${groups(4, 5)}`
        const created = { key: publicKey, ...(yield* Bearing.birth(table, order, usual)) }
        // A secret without its key is harmless; a key without its secret would be useless, so it stays while in doubt.
        yield* secrets.put(nameOf(publicKey), Redacted.make(secretKey))
        yield* command(publicKey, by, Key.Command.Create({ created })).pipe(
          Effect.tapError((error) =>
            error._tag === "LogUnavailable" && error.written === "unknown"
              ? Effect.void
              : Effect.ignore(secrets.delete(nameOf(publicKey)))
          )
        )
        return { publicKey, secretKey }
      })

    /** First itself: from then on its line is refused with it. Then each of those, so that their history says so. */
    const revoke = (key: PublicKey, reason: string, by: string): Told =>
      Effect.gen(function* () {
        const line = (yield* table.family(key)).filter((one) => one !== key)
        const own = yield* Effect.exit(command(key, by, Key.Command.Revoke({ reason })))
        // Of one that is revoked already some may have been left out; of one that is not, none may be revoked.
        if (own._tag === "Failure" && !(yield* Bearing.isRevoked(table, key))) return yield* own
        const because = Key.Command.Revoke({ reason: `its forebear ${key} was revoked: ${reason}` })
        for (const one of line) yield* Effect.catchTag(command(one, by, because), "Refused", () => Effect.void)
        return yield* own
      }).pipe(Effect.uninterruptible)

    const grant = (key: PublicKey, wanted: Parameters<typeof Bearing.granted>[2], by: string): Told =>
      Effect.flatMap(Bearing.granted(table, key, wanted), (grants) => command(key, by, Key.Command.Grant({ grants })))

    const extend = (key: PublicKey, expiresAt: number | null, by: string): Told =>
      Effect.zipRight(Bearing.mayLast(table, key, expiresAt), command(key, by, Key.Command.Extend({ expiresAt })))

    const open = (key: PublicKey) =>
      Effect.map(secrets.get(nameOf(key)), (found) => {
        if (opened.size >= OPENED) opened.clear()
        return Option.map(found, (secret) => {
          opened.set(key, Redacted.value(secret))
          return Redacted.value(secret)
        })
      }).pipe(
        Effect.catchTag("Unsealable", ({ name }) => new StoreUnavailable({ reason: `${name} cannot be unsealed` }))
      )

    return Keys.of({
      create: (order, by) => alone.withPermits(1)(create(order, by)),
      suspend: (key, reason, by) => command(key, by, Key.Command.Suspend({ reason })),
      resume: (key, by) => command(key, by, Key.Command.Resume()),
      revoke: (key, reason, by) => alone.withPermits(1)(revoke(key, reason, by)),
      extend: (key, expiresAt, by) => alone.withPermits(1)(extend(key, expiresAt, by)),
      grant: (key, wanted, by) => alone.withPermits(1)(grant(key, wanted, by)),
      setConfirm: (key, confirm, by) => command(key, by, Key.Command.SetConfirm({ confirm })),
      secretOf: (key) => {
        const known = opened.get(key)
        return known === undefined ? open(key) : Effect.succeedSome(known)
      },
      list: table.list
    })
  })

export const layer = (options: Options) => Layer.effect(Keys, make(options))
