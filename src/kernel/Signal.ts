/** A doorbell with one listener: rung twice is rung once, and a ring while nobody listens is remembered. */
import { Effect } from "effect"

export class Signal {
  private rung = false
  private wake: (() => void) | undefined

  ring(): void {
    this.rung = true
    this.wake?.()
  }

  /** Only a hint that there may be work: a listener who is interrupted loses nothing, for it looks at the work itself. */
  readonly wait: Effect.Effect<void> = Effect.async((resume) => {
    const answer = () => {
      this.rung = false
      this.wake = undefined
      resume(Effect.void)
    }
    if (this.rung) return answer()
    this.wake = answer
    return Effect.sync(() => {
      this.wake = undefined
    })
  })
}
