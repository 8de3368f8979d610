/** Services as supervised actors, each with a keeper that sees to its container. */
import { Effect } from "effect"
import type { Refused } from "../../src/guards/Guard.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { Slots } from "../key/Slots.js"
import * as Changing from "./Changing.js"
import * as Creating from "./Creating.js"
import * as Erasing from "./Erasing.js"
import * as Executing from "./Executing.js"
import * as Giving from "./Giving.js"
import * as Holding from "./Holding.js"
import * as Housing from "./Housing.js"
import * as Keeping from "./Keeping.js"
import type { Live } from "./Live.js"
import * as Quieting from "./Quieting.js"
import * as Roster from "./Roster.js"
import { Command } from "./Service.js"
import type { Consented, Owned, Services } from "./Services.js"
import { Stillness } from "./Stillness.js"
import * as Sweeping from "./Sweeping.js"
import * as Tenancy from "./Tenancy.js"
import * as Vault from "./Vault.js"
import * as Welcoming from "./Welcoming.js"

interface Options extends Roster.Options, Keeping.Options, Creating.Options, Executing.Options, Sweeping.Options {
  readonly slots: typeof Slots.Service
}

/** How long whoever asked for it waits until it has come about; it comes about whether or not they do. */
const FROZEN_WITHIN = "20 seconds"
const RUNNING_WITHIN = "30 seconds"

const frozen = (live: Live) => () =>
  live.retired || live.state?._tag !== "Frozen" || live.housed?.frozen === true ? true : undefined

const running = (live: Live) => () => {
  const state = live.state?._tag
  if (live.retired || state === "Failed" || state === "Destroyed" || state === "Frozen") return true
  return state === "Running" && live.housed?.frozen === false ? true : undefined
}

type Answer = Effect.Effect<void, Refused | LogUnavailable>

const waiting = (roster: Roster.Roster) => {
  const on = (
    { facts: { resource } }: Owned,
    how: (live: Live) => () => true | undefined,
    within: typeof FROZEN_WITHIN | typeof RUNNING_WITHIN
  ) =>
    Effect.suspend(() => {
      const live = roster.find(resource)
      return live === undefined ? Effect.void : Effect.asVoid(Effect.timeoutOption(live.until(how(live)), within))
    })
  const tell = (owned: Owned, command: Command) => roster.ask(owned.facts.resource, command, { by: owned.facts.actor })
  return {
    freeze: (owned: Owned): Answer =>
      Effect.zipRight(tell(owned, Command.Freeze({ owned })), on(owned, frozen, FROZEN_WITHIN)),
    unfreeze: (owned: Owned): Answer =>
      Effect.zipRight(tell(owned, Command.Unfreeze({ owned })), on(owned, running, RUNNING_WITHIN)),
    lock: (owned: Owned): Answer => Effect.asVoid(tell(owned, Command.Lock({ owned }))),
    unlock: (owned: Owned, consent: Consented): Answer => Effect.asVoid(tell(owned, Command.Unlock({ owned, consent })))
  }
}

export const make = (options: Options) =>
  Effect.gen(function* () {
    const vault = yield* Vault.make
    const giving = yield* Giving.make
    const stillness: Stillness = new Stillness((service) => roster.find(service)?.ring())
    const housing = yield* Housing.make(options, giving.beside(vault), stillness)
    const tenancy = Tenancy.make(options.slots)
    const roster: Roster.Roster = yield* Roster.make(options, tenancy, Keeping.make(options, housing).keep)
    const creating = yield* Creating.make(options, roster, vault, giving)
    const changing = yield* Changing.make(roster, vault)
    const erasing = yield* Erasing.make(roster, vault, giving)
    const { quiesced, restore, restoring } = yield* Quieting.make(roster, stillness)
    const sweeping = yield* Sweeping.make(options, roster, restoring, erasing)

    const service: typeof Services.Service = {
      create: creating.create,
      ...waiting(roster),
      redeploy: (owned, unlocked, consent, { bootstrap, files }) =>
        Effect.gen(function* () {
          const pending = yield* creating.pending(bootstrap, files.facts.files)
          const { actor, resource } = owned.facts
          yield* roster.ask(resource, Command.Redeploy({ owned, unlocked, consent, pending }), { by: actor })
        }),
      change: changing.change,
      destroy: (owned, unlocked, consent) =>
        Effect.gen(function* () {
          const { actor, resource } = owned.facts
          yield* roster.ask(resource, Command.Destroy({ owned, unlocked, consent }), { by: actor })
          // It is destroyed: what cannot be deleted now is deleted by the next sweep.
          yield* Effect.ignoreLogged(erasing.erase(resource))
        }),
      execute: Executing.make(options, roster, vault),
      seal: changing.seal,
      unsealed: changing.unsealed,
      quiesced,
      restore,
      awake: yield* Welcoming.make(roster),
      ...Holding.make(roster, stillness),
      active: Effect.sync(() => roster.size())
    }

    /** Before anything is served: those of a former control plane go on. */
    const recover = Effect.all([erasing.orphans, erasing.unerased, sweeping.reckon(tenancy), sweeping.reconcile], {
      discard: true
    })
    return { service, recover, run: sweeping.run }
  })
