/** What is done for services that nobody asks anything of: they are run again after a restart, laid to deep sleep, erased. */
import { Clock, Duration, Effect } from "effect"
import type { ServiceId } from "../../events/Ids.js"
import { ServiceTable } from "../../src/projections/ServiceTable.js"
import type * as Erasing from "./Erasing.js"
import type { Roster } from "./Roster.js"
import { Command } from "./Service.js"
import type { Tenancy } from "./Tenancy.js"

export interface Options {
  /** Frozen for so long, a service gives its memory back. */
  readonly deepFreezeMillis: number
}

/** One look at the table, whatever the number of services. */
const OFTEN = Duration.millis(250)
const SELDOM = Duration.seconds(30)
const RECONCILE = "30 seconds"

export const make = (
  { deepFreezeMillis }: Options,
  roster: Roster,
  restoring: ReadonlySet<ServiceId>,
  erasing: Effect.Effect.Success<ReturnType<typeof Erasing.make>>
) =>
  Effect.gen(function* () {
    const table = yield* ServiceTable

    const deepFreeze = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const found = yield* table.frozenBefore((now - deepFreezeMillis) * 1_000)
      // Thawed meanwhile: then it is not to be.
      yield* Effect.forEach(found, (service) => Effect.ignore(roster.ask(service, Command.DeepFreeze())), {
        concurrency: 16,
        discard: true
      })
    })

    /** Those that should run and do not: after a restart, all of them. */
    const reconcile = Effect.gen(function* () {
      const found = (yield* table.active).filter(({ service }) => roster.find(service) === undefined)
      // Nobody is replacing its root any longer: the old one or the new one is there.
      for (const { service, state } of found)
        yield* state === "stopped" && !restoring.has(service)
          ? Effect.ignore(roster.ask(service, Command.Again({ cause: "restored" })))
          : roster.wakeUp(service)
    })

    /** Before anybody is served: each that is to run holds its slot, also while its actor has yet to read its history. */
    const reckon = ({ become }: Tenancy) =>
      Effect.flatMap(table.active, (found) =>
        Effect.forEach(found, ({ owner, service, state }) => become(service, owner, state !== "frozen"), {
          discard: true
        })
      )

    const every = Duration.clamp(Duration.millis(deepFreezeMillis / 10), { minimum: OFTEN, maximum: SELDOM })
    const again = <A, E, R>(effect: Effect.Effect<A, E, R>, pause: Duration.DurationInput) =>
      Effect.forever(Effect.zipRight(Effect.sleep(pause), Effect.ignoreLogged(effect)))

    const run = Effect.all([again(deepFreeze, every), again(Effect.zipRight(reconcile, erasing.unerased), RECONCILE)], {
      concurrency: "unbounded",
      discard: true
    })
    return { reckon, reconcile, run }
  })
