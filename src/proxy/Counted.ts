/** How many visits each service has under way, and no more than it may have. */
import { Effect } from "effect"
import type { ServiceId } from "../../events/Ids.js"

/** `visit`, counted from before it begins until it has ended, however it does; `crowded` instead when there are `most`. */
export const make = (most: number) => {
  const underWay = new Map<ServiceId, number>()
  const leave = (service: ServiceId) => {
    const now = (underWay.get(service) ?? 1) - 1
    if (now === 0) underWay.delete(service)
    else underWay.set(service, now)
  }
  return <A, E>(service: ServiceId, visit: Effect.Effect<A, E>, crowded: Effect.Effect<A>) =>
    Effect.uninterruptibleMask((restore): Effect.Effect<A, E> => {
      const before = underWay.get(service) ?? 0
      if (before >= most) return crowded
      underWay.set(service, before + 1)
      return Effect.ensuring(
        restore(visit),
        Effect.sync(() => leave(service))
      )
    })
}
