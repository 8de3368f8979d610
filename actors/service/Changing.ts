/** What its owner changes about a service: its size, its names, its policy, its vault. */
import { Effect, Option } from "effect"
import type { Refused } from "../../src/guards/Guard.js"
import { resourceKnown } from "../../src/guards/ResourceKnown.js"
import { secretsReleasable } from "../../src/guards/SecretsReleasable.js"
import { hostsOf, type Variables } from "../../src/guards/VaultVariables.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import { ServiceTable, type ServiceView } from "../../src/projections/ServiceTable.js"
import * as Naming from "../name/Naming.js"
import type { Live } from "./Live.js"
import type { Roster } from "./Roster.js"
import { Command } from "./Service.js"
import type { Changes, Consented, Owned, Unlocked } from "./Services.js"
import type * as Vault from "./Vault.js"

const FOLLOWED_WITHIN = "20 seconds"

export const make = (roster: Roster, vault: Vault.Vault) =>
  Effect.gen(function* () {
    const table = yield* ServiceTable
    const naming = yield* Naming.make

    const viewOf = ({ facts: { actor, resource } }: Owned): Effect.Effect<ServiceView, Refused | LogUnavailable> =>
      Effect.flatMap(
        table.find(resource),
        Option.match({
          onNone: () =>
            resourceKnown.refuse({ code: "not_found", message: "There is no such service.", status: 404, note: actor }),
          onSome: Effect.succeed
        })
      )

    /** Claimed before it is its name, released after it was: nobody else has it in between. */
    const renamed = <E>(
      { owner, service }: ServiceView,
      gained: ReadonlyArray<string>,
      lost: ReadonlyArray<string>,
      change: Effect.Effect<unknown, E>
    ) => {
      const claim = Effect.forEach(gained, (name) => naming.claim(name, { service, owner }), { discard: true })
      const release = (names: ReadonlyArray<string>) =>
        Effect.forEach(names, (name) => naming.release(name, service), { discard: true })
      return Effect.zipRight(claim, change).pipe(
        Effect.tapError(() => Effect.ignore(release(gained))),
        Effect.zipRight(release(lost)),
        Effect.uninterruptible
      )
    }

    const rename = (owned: Owned, unlocked: Unlocked, name: string, view: ServiceView) => {
      if (name === view.name) return Effect.void
      const change = roster.ask(view.service, Command.Rename({ owned, unlocked, name }), { by: view.owner })
      return renamed(view, [name], [view.name], change)
    }

    const setDomains = (owned: Owned, unlocked: Unlocked, domains: ReadonlyArray<string>, view: ServiceView) => {
      const gained = domains.filter((one) => !view.domains.includes(one))
      const lost = view.domains.filter((one) => !domains.includes(one))
      if (gained.length === 0 && lost.length === 0) return Effect.void
      const change = roster.ask(view.service, Command.SetDomains({ owned, unlocked, domains }), { by: view.owner })
      return renamed(view, gained, lost, change)
    }

    /** A larger size may not be had: then it is as it was, and whoever asked is told. */
    const followed = (live: Live | undefined, vcpu: number): Effect.Effect<void, Refused> =>
      live === undefined
        ? Effect.void
        : live
            .until(() => {
              const { housed } = live
              if (live.retired || housed === undefined || housed.vcpu === vcpu) return Effect.void
              return housed.denied?.vcpu === vcpu ? housed.denied.refused : undefined
            })
            .pipe(
              Effect.timeoutTo({ duration: FOLLOWED_WITHIN, onTimeout: () => Effect.void, onSuccess: (told) => told }),
              Effect.flatten
            )

    const resize = (owned: Owned, unlocked: Unlocked, vcpu: number, { owner, service }: ServiceView) =>
      Effect.gen(function* () {
        const live = roster.find(service)
        // What could not be had before may be to be had now.
        if (live?.housed !== undefined) live.housed.denied = undefined
        yield* roster.ask(service, Command.Resize({ owned, unlocked, vcpu }), { by: owner })
        yield* followed(roster.find(service), vcpu)
      })

    const change = (owned: Owned, unlocked: Unlocked, changes: Changes) =>
      Effect.gen(function* () {
        const view = yield* viewOf(owned)
        const {
          domains,
          name,
          showFreezePage = view.showFreezePage,
          unfreezeOnDemand = view.unfreezeOnDemand,
          vcpu
        } = changes
        if (name !== undefined) yield* rename(owned, unlocked, name.facts.name, view)
        if (domains !== undefined)
          yield* setDomains(owned, unlocked, [...new Set(domains.map(({ facts }) => facts.name))], view)
        if (showFreezePage !== view.showFreezePage || unfreezeOnDemand !== view.unfreezeOnDemand) {
          const policy = Command.SetPolicy({ owned, unlocked, unfreezeOnDemand, showFreezePage })
          yield* roster.ask(view.service, policy, { by: view.owner })
        }
        if (vcpu !== undefined) yield* resize(owned, unlocked, vcpu, view)
      })

    /** Sealed before it is told: a name without its value would be a promise that nothing keeps. */
    const seal = (owned: Owned, unlocked: Unlocked, consent: Consented, variables: Variables) =>
      Effect.gen(function* () {
        const { owner, service } = yield* viewOf(owned)
        const before = yield* Effect.option(vault.show({ service, owner }))
        yield* vault.put({ service, owner }, variables)
        const names = Object.keys(variables)
        const command = Command.SetVault({ owned, unlocked, consent, names, egress: hostsOf(variables) })
        const told = roster.ask(service, command, { by: owner })
        // Locked meanwhile, or destroyed.
        const back = vault.put(
          { service, owner },
          Option.getOrElse(before, () => ({}))
        )
        yield* Effect.tapErrorTag(told, "Refused", () => Effect.ignore(back))
      }).pipe(Effect.uninterruptible)

    const unsealed = (owned: Owned) =>
      Effect.flatMap(viewOf(owned), ({ owner, service }) =>
        Effect.catchTag(vault.show({ service, owner }), "StoreUnavailable", ({ _tag }) =>
          secretsReleasable.doubt(`facts: ${_tag}`)
        )
      )

    return { change, seal, unsealed, viewOf }
  })
