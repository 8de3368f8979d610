/** Lines to services that are open now, whoever they are for: a visitor who asks for much at once may need many. */
import { Data, Effect, Schedule, type Scope } from "effect"
import { Destination, type Destinations, type Dial, Unreachable } from "./Destinations.js"

class Full extends Data.TaggedError("Full")<{}> {}

/** For longer than one that nobody uses is kept. */
const patiently = Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(60))

const full = new Unreachable({ reason: "it has too many visitors, or others have" })

/** The same destinations, with no more than `most` lines to them at one time; one more waits for a while. */
export const within = (destinations: typeof Destinations.Service, most: number): typeof Destinations.Service => {
  let open = 0
  const place: Effect.Effect<void, Full, Scope.Scope> = Effect.acquireRelease(
    Effect.suspend(() => {
      if (open >= most) return new Full()
      open += 1
      return Effect.void
    }),
    () =>
      Effect.sync(() => {
        open -= 1
      })
  )
  const waited = Effect.mapError(Effect.retry(place, patiently), () => full)
  const counted = (dial: Dial): Dial => Effect.zipRight(waited, dial)
  const bounded = (found: Effect.Effect<Destination>) =>
    Effect.map(found, (one) => (one._tag === "Ready" ? Destination.Ready({ ...one, dial: counted(one.dial) }) : one))
  return {
    byHost: (host) => bounded(destinations.byHost(host)),
    byService: (service) => bounded(destinations.byService(service)),
    publicPorts: destinations.publicPorts
  }
}
