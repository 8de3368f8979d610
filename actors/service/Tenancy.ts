/** What each service holds of its owner's slots: one from when it is to run until it is to rest. */
import { Effect } from "effect"
import type { ServiceId } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import type { Lease, Slots } from "../key/Slots.js"
import type { State } from "./Service.js"

interface Tenant {
  readonly lease: Lease
  /** Commands under way that may set it going. */
  asked: number
  /** Its history says that it runs, or is about to. */
  runs: boolean
}

/** While its root is replaced it is about to run again. */
const runs = ({ _tag }: State): boolean =>
  _tag === "Starting" || _tag === "Running" || _tag === "Redeploying" || _tag === "Stopped"

export const make = (slots: typeof Slots.Service) => {
  const tenants = new Map<ServiceId, Tenant>()

  /** One step: nobody settles it between its being found and what is done with it. */
  const on = (service: ServiceId, owner: string, change: (tenant: Tenant) => void): Effect.Effect<Tenant> =>
    Effect.suspend(() => {
      const changed = (tenant: Tenant) => {
        change(tenant)
        return tenant
      }
      const here = tenants.get(service)
      if (here !== undefined) return Effect.succeed(changed(here))
      return Effect.map(slots.lease(owner, "run a service"), (lease) => {
        const tenant = tenants.get(service) ?? { lease, asked: 0, runs: false }
        tenants.set(service, tenant)
        return changed(tenant)
      })
    })

  const settle = (service: ServiceId, tenant: Tenant): void => {
    if (tenant.asked > 0 || tenant.runs) return
    tenant.lease.end()
    if (tenants.get(service) === tenant) tenants.delete(service)
  }

  const become = (service: ServiceId, owner: string, running: boolean): Effect.Effect<void> =>
    running
      ? Effect.asVoid(
          on(service, owner, (tenant) => {
            tenant.runs = true
            tenant.lease.hold(1)
          })
        )
      : Effect.sync(() => {
          const tenant = tenants.get(service)
          if (tenant === undefined) return
          tenant.runs = false
          settle(service, tenant)
        })

  return {
    /** What its history says now. Hearing it again is fine. */
    follow: (service: ServiceId, state: State): Effect.Effect<void> =>
      "about" in state ? become(service, state.about.owner, runs(state)) : Effect.void,
    become,
    /** Runs what may set it going, with a slot in hand; refused when none is free. */
    going: (service: ServiceId, owner: string) => {
      const begin = on(service, owner, (tenant) => {
        tenant.asked += 1
      })
      const end = (tenant: Tenant) =>
        Effect.sync(() => {
          tenant.asked -= 1
          settle(service, tenant)
        })
      return <A, E, R>(command: Effect.Effect<A, E, R>): Effect.Effect<A, E | Refused, R> =>
        Effect.acquireUseRelease(begin, ({ lease }) => Effect.zipRight(lease.take(1), command), end)
    }
  }
}

export type Tenancy = ReturnType<typeof make>
