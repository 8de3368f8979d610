/** Making a challenge and sending its code on its way; or finding the one that was made for the same. */
import { Effect, Option, Redacted, type Scope } from "effect"
import type { Channel, VoidCause } from "../../events/Confirmation.js"
import type { PublicKey } from "../../events/Ids.js"
import { type Action, type Challenge, LIFE_MICROS } from "../../src/guards/HumanConfirmed.js"
import type { EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import type { ConfirmationTable } from "../../src/projections/ConfirmationTable.js"
import type { KeyTable } from "../../src/projections/KeyTable.js"
import * as Minting from "../Minting.js"
import type { Codes } from "./Codes.js"
import * as Codings from "./Codes.js"
import * as Confirmation from "./Confirmation.js"
import { Unweighed } from "./Confirmations.js"
import type { Delivery } from "./Delivery.js"
import * as History from "./History.js"
import { type Route, routeOf, type Ways } from "./Route.js"
import type { Question, Standing } from "./Standing.js"
import { inWords } from "./Words.js"

/** Open at one time for one key: one more makes the oldest void. */
const OPEN = 8

/** Every way to a person that this server has; a device has its codes already. */
type Deliveries = { readonly [C in Exclude<Channel, "totp">]: Delivery }

interface Parts {
  readonly log: typeof EventLog.Service
  readonly keys: typeof KeyTable.Service
  readonly table: typeof ConfirmationTable.Service
  readonly codes: Codes
  readonly deliveries: Deliveries
  readonly ways: Ways
  readonly standing: Standing
  /** Of deliveries: who asked may leave, and somebody who asks the same may be waiting. */
  readonly scope: Scope.Scope
}

type Asked = Extract<Confirmation.Command, { _tag: "Ask" }>["asked"]

interface Made {
  readonly asked: Asked
  readonly route: Route
  readonly code: Redacted.Redacted<string> | undefined
}

export const challengeOf = ({ bodyDigest, challenge, channel, expiresAt, key, method, path }: Asked): Challenge => ({
  challenge,
  about: { key, method, path, bodyDigest },
  channel,
  expiresAt
})

const routed = ({ keys, ways }: Parts, key: PublicKey): Effect.Effect<Route, Unweighed | LogUnavailable> =>
  Effect.flatMap(keys.find(key), (found) =>
    Option.isSome(found)
      ? Effect.succeed(routeOf(found.value, ways))
      : new Unweighed({ reason: "nobody knows this key" })
  )

const voiding = ({ log }: Parts, { challenge, key }: Pick<Asked, "challenge" | "key">, cause: VoidCause) =>
  Effect.catchTag(
    History.tell(log, challenge, Confirmation.Command.Void({ cause }), key),
    "Rejected",
    () => Effect.void
  )

const supersede = (parts: Parts, key: PublicKey, now: number) =>
  Effect.flatMap(parts.table.openOf(key, now), (open) =>
    Effect.forEach(open.slice(0, Math.max(0, open.length - OPEN + 1)), (old) => voiding(parts, old, "superseded"), {
      discard: true
    })
  )

/** The challenge that this very action has already, open and with time left. */
export const found = (parts: Parts, action: Action, now: number) =>
  Effect.gen(function* () {
    const question = parts.standing.find(action, yield* routed(parts, action.key), now)
    if (question === undefined) return undefined
    const open = yield* parts.table.openOf(action.key, now)
    return open.some(({ challenge }) => challenge === question.challenge.challenge) ? question : undefined
  })

/** Durable when it resolves. */
const made = (parts: Parts, action: Action, now: number) =>
  Effect.gen(function* () {
    const route = yield* routed(parts, action.key)
    yield* supersede(parts, action.key, now)
    const challenge = Minting.challengeId()
    const code = route.channel === "totp" ? undefined : Codings.newCode()
    const mac = code === undefined ? undefined : yield* parts.codes.macOf(challenge, Redacted.value(code))
    const { bodyDigest, key, method, path } = action
    const { channel, holder } = route
    const expiresAt = now + LIFE_MICROS
    const of = { challenge, key, method, path, bodyDigest, expiresAt, channel, holder }
    const asked: Asked = { ...of, codeMac: mac?.toString("hex") ?? null }
    yield* Effect.catchTag(
      History.tell(parts.log, challenge, Confirmation.Command.Ask({ asked }), key),
      "Rejected",
      () => Effect.dieMessage("128 random bits came twice")
    )
    return { asked, route, code } satisfies Made
  })

/** Resolves when somebody has the code; a challenge that nobody has a code for is void. */
const deliver = (parts: Parts, { asked, code, route }: Made) => {
  if (route.channel === "totp" || code === undefined) return Effect.void
  const { challenge, expiresAt, key } = asked
  const sending = parts.deliveries[route.channel].send(route.to, {
    challenge,
    key,
    code,
    words: inWords(asked),
    expiresAt
  })
  return Effect.tapError(sending, ({ channel, reason }) =>
    Effect.logWarning(`a code for ${key} was not delivered by ${channel}: ${reason}`).pipe(
      Effect.zipRight(Effect.sync(() => parts.standing.forget(challengeOf(asked)))),
      Effect.zipRight(Effect.ignore(voiding(parts, asked, "undelivered")))
    )
  )
}

/** Sends it on its way, and is there for who asks the same again: never one without the other. */
const begun = (parts: Parts, one: Made): Effect.Effect<Question> =>
  Effect.forkIn(Effect.interruptible(deliver(parts, one)), parts.scope).pipe(
    Effect.map((fiber): Question => {
      const delivered = Effect.flatten(fiber.await)
      return { challenge: challengeOf(one.asked), route: one.route, delivered }
    }),
    Effect.tap((question) => Effect.sync(() => parts.standing.keep(question))),
    Effect.uninterruptible
  )

/** Asked durably when it resolves. One at a time for one key, so that what is open is counted right. */
export const make = (parts: Parts, action: Action, now: number) =>
  Effect.flatMap(made(parts, action, now), (one) => begun(parts, one))
