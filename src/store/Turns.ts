/** A few at a time, a bounded line behind them, and nobody waits for ever. */
import { Effect, type Scope } from "effect"
import { LayerRefused } from "./Layers.js"

interface Options {
  readonly atOnce: number
  readonly waiting: number
}

const WITHIN = "2 minutes"

const busy = new LayerRefused({
  why: "busy",
  message: "Too many snapshots are being made or restored. Try again shortly."
})

/** A turn lasts until the scope closes. */
export const make = ({ atOnce, waiting }: Options) =>
  Effect.map(Effect.makeSemaphore(atOnce), (permits): Effect.Effect<void, LayerRefused, Scope.Scope> => {
    let line = 0
    const left = Effect.sync(() => {
      line -= 1
    })
    const taken = permits
      .take(1)
      .pipe(
        Effect.interruptible,
        Effect.timeoutFail({ duration: WITHIN, onTimeout: () => busy }),
        Effect.zipRight(Effect.addFinalizer(() => permits.release(1))),
        Effect.uninterruptible
      )
    return Effect.suspend(() => {
      if (line >= waiting) return Effect.fail(busy)
      line += 1
      return Effect.ensuring(taken, left)
    })
  })
