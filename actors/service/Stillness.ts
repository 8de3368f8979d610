/** Services whose roots must not be written to just now: what runs is frozen, and what sleeps is not started, until it is over. */
import { Effect, type Scope } from "effect"
import type { ServiceId } from "../../events/Ids.js"

export class Stillness {
  private readonly held = new Map<ServiceId, number>()
  private readonly waiting = new Set<() => void>()

  /** `changed` is told when it begins and when it is over. */
  constructor(private readonly changed: (service: ServiceId) => void) {}

  holds(service: ServiceId): boolean {
    return this.held.has(service)
  }

  /** Until the scope closes; several may hold one service. */
  hold(service: ServiceId): Effect.Effect<void, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => this.count(service, 1)),
      () => Effect.sync(() => this.count(service, -1))
    )
  }

  over(service: ServiceId): Effect.Effect<void> {
    return Effect.async((resume) => {
      const look = () => {
        if (this.holds(service)) return
        this.waiting.delete(look)
        resume(Effect.void)
      }
      this.waiting.add(look)
      look()
      return Effect.sync(() => this.waiting.delete(look))
    })
  }

  private count(service: ServiceId, by: 1 | -1): void {
    const now = (this.held.get(service) ?? 0) + by
    if (now === 0) this.held.delete(service)
    else this.held.set(service, now)
    this.changed(service)
    for (const look of [...this.waiting]) look()
  }
}
