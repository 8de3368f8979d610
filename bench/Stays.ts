/** The figures of what stays: sessions, services, their freezing and their snapshots. */
import { Effect } from "effect"
import { freezes } from "./Freezes.js"
import { proxied } from "./Proxy.js"
import { type Crowd, sleepers } from "./Sleepers.js"
import { type Size, snapshots } from "./Snapshots.js"
import { terminals } from "./Terminals.js"

interface Plan {
  readonly sessions: number
  readonly lines: number
  readonly requests: number
  readonly freezes: number
  readonly sleeps: number
  readonly sizes: ReadonlyArray<Size>
  /** Undefined: to make them takes longer than a quick run may. */
  readonly crowd: Crowd | undefined
}

const plans: { readonly [K in "quick" | "full"]: Plan } = {
  quick: {
    ...{ sessions: 4, lines: 3, requests: 500, freezes: 5, sleeps: 1 },
    sizes: [{ name: "1mb", megabytes: 1, times: 3 }],
    crowd: undefined
  },
  full: {
    ...{ sessions: 50, lines: 25, requests: 20_000, freezes: 100, sleeps: 21 },
    sizes: [
      { name: "1mb", megabytes: 1, times: 11 },
      { name: "100mb", megabytes: 100, times: 5 },
      { name: "1gb", megabytes: 1_024, times: 3 }
    ],
    crowd: { services: 1_000, stillSeconds: 10 }
  }
}

interface Asked {
  readonly quick: boolean
  readonly progress: (line: string) => Effect.Effect<void>
}

export const stays = Effect.fnUntraced(function* ({ progress, quick }: Asked) {
  const plan = quick ? plans.quick : plans.full
  yield* progress("Terminals …")
  const typed = yield* terminals(plan.sessions, plan.lines)
  yield* progress("Services through the proxy …")
  const through = yield* proxied(plan.requests)
  yield* progress("Freezing …")
  const frozen = yield* freezes(plan.freezes, plan.sleeps)
  yield* progress("Snapshots …")
  const kept = yield* snapshots(plan.sizes)
  const awake = { ...typed, ...through, ...frozen, ...kept }
  if (plan.crowd === undefined) return awake
  yield* progress(`${plan.crowd.services} frozen services …`)
  return { ...awake, ...(yield* sleepers(plan.crowd)) }
})
