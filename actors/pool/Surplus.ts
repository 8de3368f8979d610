/** What a pool keeps warm beyond its target, because those it was spawned for went away: ended after some calm. */
import { Effect } from "effect"
import type { Shelf } from "./Shelf.js"

/** Whoever comes back sooner finds it there. */
const CALM_MILLIS = 2_000

/** To be run again and again, with the monotonic time. */
export const make = ({ target }: { readonly target: number }, shelf: Shelf) => {
  let calmSince: number | undefined

  return (now: number) =>
    Effect.suspend(() => {
      const { idle, waiting } = shelf.counts()
      if (waiting > 0 || idle <= target) {
        calmSince = undefined
        return Effect.void
      }
      calmSince ??= now
      if (now - calmSince < CALM_MILLIS) return Effect.void
      calmSince = undefined
      const end = shelf.shed(target).map((live) => {
        live.asked = "surplus"
        return live.container.release
      })
      return Effect.all(end, { discard: true })
    })
}
