/** What is left of destroyed services, and of those that never came to be, is deleted; their history stays. */
import { Effect, Option, Schema } from "effect"
import { ServiceId } from "../../events/Ids.js"
import { ServiceTable } from "../../src/projections/ServiceTable.js"
import { ServiceLogs } from "../../src/store/ServiceLogs.js"
import { Volumes } from "../../src/store/Volumes.js"
import * as Naming from "../name/Naming.js"
import type { Giving } from "./Giving.js"
import type { Live } from "./Live.js"
import type { Roster } from "./Roster.js"
import { Command } from "./Service.js"
import type * as Vault from "./Vault.js"

const isService = Schema.is(ServiceId)

/** Longer than a container takes to end. */
const GONE_WITHIN = "60 seconds"

export const make = (roster: Roster, vault: Vault.Vault, giving: Giving) =>
  Effect.gen(function* () {
    const table = yield* ServiceTable
    const volumes = yield* Volumes
    const logs = yield* ServiceLogs
    const naming = yield* Naming.make

    const left = (live: Live | undefined) =>
      live === undefined ? Effect.void : live.until(() => (live.retired ? true : undefined))

    /** Resolves when nothing of it is left but its history. Doing it again is fine. */
    const erase = (service: ServiceId) =>
      Effect.gen(function* () {
        const owner = Option.map(yield* table.find(service), ({ owner }) => owner)
        yield* giving.take(service, `its service ${service} was destroyed`)
        yield* left(roster.find(service)).pipe(Effect.timeoutOption(GONE_WITHIN))
        yield* volumes.remove(service)
        yield* logs.remove(service)
        if (Option.isSome(owner)) yield* vault.remove({ service, owner: owner.value })
        for (const name of yield* table.namesOf(service)) yield* naming.release(name, service)
        yield* roster.ask(service, Command.Erase())
      })

    /** Roots, names and keys for services that were never created; to be run before any is. */
    const orphans = Effect.gen(function* () {
      yield* giving.orphans
      for (const { name, service } of yield* table.orphans) yield* naming.release(name, service)
      for (const name of yield* volumes.names)
        if (isService(name) && Option.isNone(yield* table.find(name))) yield* volumes.remove(name)
    })

    const unerased = Effect.flatMap(table.unerased, (found) =>
      Effect.forEach(found, (service) => Effect.ignoreLogged(erase(service)), { discard: true })
    )

    return { erase, orphans, unerased }
  })
