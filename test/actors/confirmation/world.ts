/** Confirmations over real storage, with keys to confirm for, a clock that a test moves, and a log and store that it breaks. */
import { Clock, Context, Effect, Layer } from "effect"
import { Confirmations } from "../../../actors/confirmation/Confirmations.js"
import * as ConfirmationsLive from "../../../actors/confirmation/ConfirmationsLive.js"
import * as Confirming from "../../../actors/confirmation/Confirming.js"
import { Contacts } from "../../../actors/confirmation/Contacts.js"
import * as ContactsLive from "../../../actors/confirmation/ContactsLive.js"
import { Digest, PublicKey } from "../../../events/Ids.js"
import type { Action } from "../../../src/guards/HumanConfirmed.js"
import { Refusals } from "../../../src/guards/Refusals.js"
import { EventLog } from "../../../src/log/EventLog.js"
import * as Projections from "../../../src/projections/Projections.js"
import { Secrets } from "../../../src/store/secrets/Secrets.js"
import { draft, key } from "../../support/drafts.js"
import { storageIn } from "../../support/storage.js"
import { Faults } from "../Faults.js"

export const owner = key(1)
export const stranger = key(2)

export const action: Action = {
  key: owner,
  method: "DELETE",
  path: "/services/unsb-service-0000000000000001",
  bodyDigest: Digest.make(`sha256:${"0".repeat(64)}`)
}

/** As many as are wanted, each with a challenge of its own. */
export const another = (n: number): Action => ({
  ...action,
  path: `/services/unsb-service-${String(n).padStart(16, "0")}`
})

/** The real clock, moved: `both` moves as time does, `wall` as somebody who sets it. */
export class Moved {
  both = 0
  wall = 0
  readonly clock: Clock.Clock

  constructor() {
    const real = Clock.make()
    const millis = () => real.unsafeCurrentTimeMillis() + this.both + this.wall
    const nanos = () => real.unsafeCurrentTimeNanos() + BigInt(this.both) * 1_000_000n
    this.clock = {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: millis,
      unsafeCurrentTimeNanos: nanos,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanos: Effect.sync(nanos),
      sleep: (duration) => real.sleep(duration)
    }
  }
}

export interface Given {
  readonly data: string
  readonly faults?: Faults
  readonly clock?: Clock.Clock
  readonly options?: Partial<ConfirmationsLive.Options>
  /** Stands before the sealed store. */
  readonly secrets?: (real: typeof Secrets.Service) => typeof Secrets.Service
}

export interface World {
  readonly confirmations: typeof Confirmations.Service
  readonly contacts: typeof Contacts.Service
  readonly log: typeof EventLog.Service
  readonly secrets: typeof Secrets.Service
  /** What the console was told. */
  readonly lines: ReadonlyArray<string>
  /** Judged as a request is. */
  readonly confirm: (
    question: Partial<Confirming.Question>
  ) => Effect.Effect<
    Effect.Effect.Success<ReturnType<typeof Confirming.confirm>>,
    Effect.Effect.Error<ReturnType<typeof Confirming.confirm>>
  >
}

const keysIn = (log: typeof EventLog.Service) =>
  Effect.forEach([1, 2], (n) => Effect.ignore(log.append(draft(n, 0))), { discard: true })

/** One server's life on that directory. */
export const living = <A, E>(given: Given, body: (world: World) => Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    const { clock, data, faults = new Faults(), options = {} } = given
    const lines: Array<string> = []
    const secretFile = `${data}/otp-webhook.secret`
    const { layer, projectors } = Projections.make()
    const stored = Layer.provideMerge(faults.layer, Layer.provideMerge(layer, storageIn(data, projectors)))
    const sealed = Layer.provideMerge(
      Layer.effect(Secrets, Effect.map(Secrets, given.secrets ?? ((real) => real))),
      stored
    )
    const live = Layer.merge(
      ConfirmationsLive.layer({
        print: (line) => Effect.sync(() => void lines.push(line)),
        mail: null,
        webhook: { url: null, secretFile },
        ...options
      }),
      ContactsLive.layer({ secretFile })
    )
    const whole = Effect.gen(function* () {
      const context = yield* Layer.build(Layer.provideMerge(live, sealed))
      const confirmations = Context.get(context, Confirmations)
      const log = Context.get(context, EventLog)
      yield* keysIn(log)
      return yield* body({
        confirmations,
        contacts: Context.get(context, Contacts),
        log,
        secrets: Context.get(context, Secrets),
        lines,
        confirm: (question) =>
          Confirming.confirm(
            confirmations,
            { action, required: true, answer: undefined, ...question },
            { principal: PublicKey.make(owner), action: "DELETE" }
          ).pipe(Effect.provideService(Refusals, { note: () => Effect.void }))
      })
    }).pipe(Effect.scoped)
    return clock === undefined ? whole : Effect.withClock(whole, clock)
  })

/** What was refused, in its own words. */
export const refused = ({ confirm }: World, question: Partial<Confirming.Question>) =>
  Effect.map(Effect.flip(confirm(question)), ({ reason }) => reason)

/** A challenge, as a caller learns of it, and its code, as the operator does. */
export const challenged = (world: World, about: Action = action) =>
  Effect.gen(function* () {
    const { details } = yield* refused(world, { action: about })
    const challenge = String(details?.challenge_id)
    const pending = (yield* world.confirmations.pending).find((one) => one.challenge === challenge)
    return { challenge, code: pending?.code ?? "", details }
  })

/** A code that is not this one. */
export const wrong = (code: string) => String((Number(code) + 1) % 10 ** code.length).padStart(code.length, "0")
