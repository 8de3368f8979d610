/** A service's root while nobody writes to it: looked at, or replaced. */
import { Effect } from "effect"
import type { Digest, ServiceId } from "../../events/Ids.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import { StoreUnavailable } from "../../src/store/Blobs.js"
import { Layers } from "../../src/store/Layers.js"
import { Volumes } from "../../src/store/Volumes.js"
import type { Live } from "./Live.js"
import type { Roster } from "./Roster.js"
import { Command } from "./Service.js"
import type { Consented, Owned, Unlocked, Unwilling } from "./Services.js"
import type { Stillness } from "./Stillness.js"

const STILL_WITHIN = "20 seconds"
const restless = new StoreUnavailable({ reason: "the service does not come to rest" })
const GONE_WITHIN = "60 seconds"
const lingering = new StoreUnavailable({ reason: "the service's container is not gone yet" })

/** In no container's hands, or in a frozen one's. */
const still = (live: Live) => () => (live.retired || !live.occupied || live.housed?.frozen === true ? true : undefined)

export const make = (roster: Roster, stillness: Stillness) =>
  Effect.gen(function* () {
    const volumes = yield* Volumes
    const layers = yield* Layers
    const restoring = new Set<ServiceId>()

    const settled = (live: Live | undefined) =>
      live === undefined
        ? Effect.void
        : Effect.timeoutFail(live.until(still(live)), { duration: STILL_WITHIN, onTimeout: () => restless })

    const quiesced = <A, E, R>(
      { facts: { resource } }: Owned,
      hot: boolean,
      body: (directory: string) => Effect.Effect<A, E, R>
    ): Effect.Effect<A, E | Unwilling, R> => {
      const onRoot = Effect.flatMap(volumes.create(resource), body)
      if (hot) return onRoot
      const held = Effect.zipRight(stillness.hold(resource), settled(roster.find(resource)))
      // What `body` has of its scope is its caller's: only the stillness ends here.
      return Effect.using(held, () => onRoot)
    }

    const gone = (live: Live | undefined) =>
      live === undefined
        ? Effect.void
        : Effect.timeoutFail(
            live.until(() => (live.retired ? true : undefined)),
            { duration: GONE_WITHIN, onTimeout: () => lingering }
          )

    const whileRestoring =
      (service: ServiceId) =>
      <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.acquireUseRelease(
          Effect.sync(() => restoring.add(service)),
          () => effect,
          () => Effect.sync(() => restoring.delete(service))
        )

    const restore = (owned: Owned, unlocked: Unlocked, consent: Consented, layer: Digest) => {
      const service = owned.facts.resource
      const replaced = Effect.zipRight(
        gone(roster.find(service)),
        volumes.replace(service, (directory) => layers.unpack(layer, directory))
      )
      const again: Effect.Effect<unknown, Unwilling | LogUnavailable> = Effect.suspend(() =>
        roster.ask(service, Command.Again({ cause: "restored" }))
      )
      const stop = roster.ask(service, Command.Stop({ owned, unlocked, consent }), { by: owned.facts.actor })
      return Effect.uninterruptibleMask((restored) =>
        Effect.zipRight(
          Effect.zipRight(layers.retain(layer), stop),
          // Whatever comes of it, the old root or the new one is there, and it is started from that.
          Effect.ensuring(restored(replaced), Effect.ignoreLogged(again))
        )
      ).pipe(Effect.scoped, whileRestoring(service))
    }

    return { quiesced, restore, restoring }
  })
