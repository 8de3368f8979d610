/** A service at home in its container: it follows what the service should be, until that is elsewhere or nowhere. */
import { Effect } from "effect"
import type { Limits } from "../../events/Container.js"
import type { Exited, Launched, SubstrateError } from "../../src/substrate/Substrate.js"
import type { Housed, Live } from "./Live.js"
import type { Stillness } from "./Stillness.js"

/** How it came that it is in this container no longer. */
export type Leaving =
  /** The service is to be something else. */
  | { readonly _tag: "Moved" }
  | { readonly _tag: "Died"; readonly reason: string }
  /** Its bootstrap failed. */
  | { readonly _tag: "Exited"; readonly exit: Exited }

interface Surroundings {
  readonly limits: (vcpu: number) => Limits
  readonly stillness: Stillness
}

/** The service's own words for what it wants now; undefined: another container, or none. */
const wanted = ({ state }: Live) =>
  state !== undefined && (state._tag === "Running" || state._tag === "Frozen") ? state : undefined

/** Follows the service until it is to be something else, or its container or bootstrap ends. */
export const dwell = (
  live: Live,
  housed: Housed,
  launched: Launched | undefined,
  { limits, stillness }: Surroundings
) =>
  Effect.gen(function* () {
    const { container } = housed.claimed
    let left: Leaving | undefined
    const ended = (how: Leaving) => {
      left ??= how
      live.ring()
    }
    yield* Effect.forkScoped(Effect.map(container.gone, ({ reason }) => ended({ _tag: "Died", reason })))
    if (launched !== undefined) yield* Effect.forkScoped(watch(launched, ended))
    yield* Effect.acquireRelease(
      Effect.sync(() => live.house(housed)),
      () => Effect.sync(() => live.house(undefined))
    )
    while (left === undefined) {
      const state = wanted(live)
      if (state === undefined) return { _tag: "Moved" } as const
      yield* resized(live, housed, state.about.vcpu, limits)
      const still = state._tag === "Frozen" || stillness.holds(live.service)
      if (still !== housed.frozen) {
        yield* still ? container.freeze : container.unfreeze
        housed.frozen = still
        live.ring()
      }
      yield* live.changed
    }
    return left
  })

const watch = (launched: Launched, ended: (how: Leaving) => void) =>
  Effect.map(launched.exited, (exit) => {
    // Done with 0: what it left running is the service.
    if (exit.how === "gone" || (exit.how === "exited" && exit.code === 0)) return
    ended({ _tag: "Exited", exit })
  }).pipe(Effect.ignore)

/** What could not be had is taken back; the actor's answer changes the state that is followed. */
const resized = (live: Live, housed: Housed, vcpu: number, limits: Surroundings["limits"]) =>
  Effect.suspend((): Effect.Effect<unknown, SubstrateError> => {
    if (housed.vcpu === vcpu || housed.denied?.vcpu === vcpu) return Effect.void
    return Effect.matchEffect(housed.claimed.limit(limits(vcpu)), {
      onFailure: (error): Effect.Effect<unknown, SubstrateError> => {
        if (error._tag !== "Refused") return Effect.fail(error)
        // Left by a former control plane at this size or another: there is none to go back to.
        if (housed.vcpu === 0) {
          housed.vcpu = vcpu
          return Effect.void
        }
        housed.denied = { vcpu, refused: error }
        live.ring()
        return live.actor.tell({ _tag: "Unsize", vcpu: housed.vcpu })
      },
      onSuccess: () =>
        Effect.sync(() => {
          housed.vcpu = vcpu
          housed.denied = undefined
          live.ring()
        })
    })
  })
