/** The way in for visitors: a service that sleeps is woken, once for however many come. */
import { Cause, Effect, Either, FiberMap, Option } from "effect"
import type { ServiceId } from "../../events/Ids.js"
import { enforce, type Refused } from "../../src/guards/Guard.js"
import { keyActive } from "../../src/guards/KeyActive.js"
import { Refusals } from "../../src/guards/Refusals.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import { ServiceTable, type ServiceView } from "../../src/projections/ServiceTable.js"
import * as Standing from "../key/Standing.js"
import type { Live } from "./Live.js"
import type { Roster } from "./Roster.js"
import { type Awake, NotAwake } from "./Services.js"

/** A start from the root may take as long as a queue for a container; a visitor does not wait for more. */
const AWAKE_WITHIN = "30 seconds"

const ready = (live: Live): Awake | undefined => {
  const { housed, state } = live
  if (housed === undefined || housed.frozen || state?._tag !== "Running") return undefined
  const { container, id } = housed.claimed
  const asleep = (told: () => void) => live.when(() => (live.state?._tag === "Running" ? undefined : true), told)
  return { service: live.service, container: id, dial: container.dial, asleep }
}

const unknown = (service: ServiceId) => new NotAwake({ service, state: "unknown", reason: "there is no such service" })

/** Its owner has no slot free for it, for example. */
const unwoken = (service: ServiceId, { message }: Refused) =>
  new NotAwake({ service, state: "frozen", reason: `it is frozen, and cannot be woken now: ${message}` })

const disowned = (service: ServiceId) =>
  new NotAwake({ service, state: "frozen", reason: "its owner's key is not active" })

/** Not knowing is no reason to say that there is nothing. */
const unread = (service: ServiceId) =>
  new NotAwake({ service, state: "unread", reason: "what is known of it cannot be read just now" })

/** Why this one is not to be woken, or will not wake. */
const refusal = ({ ended, failure, service, state }: ServiceView): NotAwake => {
  if (ended !== null) return new NotAwake({ service, state: "destroyed", reason: `it was destroyed: ${ended.cause}` })
  switch (state) {
    case "failed":
      return new NotAwake({ service, state, reason: failure?.reason ?? "it failed" })
    case "stopped":
      return new NotAwake({ service, state, reason: "its root is being replaced" })
    case "frozen":
      return new NotAwake({ service, state, reason: "it is frozen" })
    case "redeploying":
      return new NotAwake({ service, state, reason: "it is being redeployed" })
    default:
      return new NotAwake({ service, state: "starting", reason: "it is starting" })
  }
}

export const make = (roster: Roster) =>
  Effect.gen(function* () {
    const table = yield* ServiceTable
    const standing = yield* Standing.make
    const told = Effect.provideService(Refusals, yield* Refusals)
    const waking = yield* FiberMap.make<ServiceId, unknown, Refused | LogUnavailable>()

    const find = (service: ServiceId) =>
      Effect.flatMap(
        Effect.mapError(table.find(service), () => unread(service)),
        Option.match({ onNone: () => unknown(service), onSome: Effect.succeed })
      )

    /** D02 for somebody who is not the owner: the log is told whose key is in doubt, and the visitor is not. */
    const doubted = ({ owner, service }: ServiceView) =>
      enforce(Either.left(keyActive.doubt("facts: its standing")), {
        principal: owner,
        action: `wake ${service}`
      }).pipe(told, Effect.ignore, Effect.zipRight(unread(service)))

    /** One command, whoever waits; a visitor who leaves does not take it along. Nothing wakes for a key that is not good. */
    const thaw = (view: ServiceView) =>
      Effect.gen(function* () {
        const { owner, service } = view
        const how = yield* Effect.catchAll(standing(owner), () => doubted(view))
        if (how !== "active") return yield* disowned(service)
        if (!FiberMap.unsafeHas(waking, service)) yield* FiberMap.run(waking, service, roster.awaken(service, owner))
      })

    /** Running, or no longer about to be. */
    const settled = (live: Live): Awake | "no" | undefined => {
      const there = ready(live)
      if (there !== undefined) return there
      const state = live.state?._tag
      const coming = state === undefined || state === "Starting" || state === "Running" || state === "Redeploying"
      return live.retired || !(coming || state === "Frozen") ? "no" : undefined
    }

    const wait = (service: ServiceId) =>
      Effect.gen(function* () {
        const fiber = Option.getOrUndefined(FiberMap.unsafeGet(waking, service))
        const woken = fiber === undefined ? undefined : yield* fiber.await
        const refused = woken?._tag === "Failure" ? Option.getOrUndefined(Cause.failureOption(woken.cause)) : undefined
        if (refused?._tag === "Refused") return yield* unwoken(service, refused)
        const live = roster.find(service)
        if (live === undefined) return yield* Effect.flatMap(find(service), refusal)
        const answer = yield* live.until(() => settled(live))
        return answer === "no" ? yield* Effect.flatMap(find(service), refusal) : answer
      }).pipe(Effect.timeoutFail({ duration: AWAKE_WITHIN, onTimeout: () => late(service) }))

    const late = (service: ServiceId) =>
      new NotAwake({ service, state: "starting", reason: "it did not start in time; come again" })

    const come = (service: ServiceId) =>
      Effect.gen(function* () {
        const view = yield* find(service)
        const { ended, hold, state, unfreezeOnDemand } = view
        if (ended !== null || state === "failed" || state === "stopped") return yield* refusal(view)
        if (state === "frozen") {
          if (!unfreezeOnDemand || hold !== null) return yield* refusal(view)
          yield* thaw(view)
        }
        return yield* wait(service)
      })

    return (service: ServiceId): Effect.Effect<Awake, NotAwake> =>
      Effect.suspend(() => {
        const live = roster.find(service)
        const there = live === undefined ? undefined : ready(live)
        return there === undefined ? come(service) : Effect.succeed(there)
      })
  })
