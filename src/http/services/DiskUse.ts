/** What services take on the disk, measured now and then: looking costs a walk through all their files. */
import { Clock, Effect } from "effect"
import type { ServiceId } from "../../../events/Ids.js"
import { Volumes } from "../../store/Volumes.js"

const STALE_MILLIS = 15_000
const REMEMBERED = 10_000
const AT_ONCE = 4
/** Longer than that nobody waits, however many are asked about: what was measured last is told. */
const WITHIN = "1 second"

interface Measured {
  readonly bytes: number
  readonly at: number
}

export const make = Effect.gen(function* () {
  const volumes = yield* Volumes
  const turns = yield* Effect.makeSemaphore(AT_ONCE)
  const known = new Map<ServiceId, Measured>()

  const measure = (service: ServiceId, at: number) =>
    Effect.map(turns.withPermits(1)(volumes.bytes(service)), (bytes) => {
      if (known.size >= REMEMBERED) known.clear()
      known.set(service, { bytes, at })
    })

  const isStale = (service: ServiceId, now: number): boolean => {
    const last = known.get(service)
    return last === undefined || now - last.at >= STALE_MILLIS
  }

  /** In the order that they were asked about; 0 where it is not known yet. */
  return (services: ReadonlyArray<ServiceId>): Effect.Effect<ReadonlyArray<number>> =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const stale = services.filter((service) => isStale(service, now))
      const measured = Effect.forEach(stale, (service) => Effect.ignore(measure(service, now)), {
        concurrency: AT_ONCE,
        discard: true
      })
      // The walk itself cannot be cut short; what it finds after this is told the next time.
      yield* Effect.timeoutOption(Effect.disconnect(measured), WITHIN)
      return services.map((service) => known.get(service)?.bytes ?? 0)
    })
})
