/** What is told of a service: every key that some client reads, times in ISO 8601, never a null. */
import { Effect } from "effect"
import type { ServiceView } from "../../projections/ServiceTable.js"
import { iso } from "../Moment.js"
import * as DiskUse from "./DiskUse.js"
import type { Service } from "./ServiceShape.js"
import { ServiceUrls } from "./ServiceUrls.js"

const failureOf = ({ failure }: ServiceView) => {
  if (failure === null) return {}
  return { error: failure.reason, ...(failure.exitCode === null ? {} : { exit_code: failure.exitCode }) }
}

const holdOf = ({ hold }: ServiceView) => (hold === null ? {} : { frozen_cause: hold.cause, reason: hold.reason })

const identity = ({ name, service, state }: ServiceView) => ({
  id: service,
  service_id: service,
  name,
  status: state,
  state
})

const policy = ({ bootable, locked, showFreezePage, unfreezeOnDemand, vault }: ServiceView) => ({
  locked,
  unfreeze_on_demand: unfreezeOnDemand,
  show_freeze_page: showFreezePage,
  has_bootstrap: bootable,
  has_vault: (vault?.names.length ?? 0) > 0
})

const shape = (view: ServiceView, urls: typeof ServiceUrls.Service, diskUsed: number): Service => ({
  ...identity(view),
  container_name: view.container ?? "",
  network_mode: view.network,
  ports: view.ports,
  domains: view.domains,
  custom_domains: view.domains,
  service_type: view.serviceType ?? "web",
  ...(view.publicPort === null ? {} : { public_port: view.publicPort }),
  vcpu: view.vcpu,
  memory_mb: view.vcpu * urls.memoryMbPerVcpu,
  ...policy(view),
  url: urls.of(view.name),
  disk_used: diskUsed,
  ...failureOf(view),
  ...holdOf(view),
  created_at: iso(view.createdAt),
  updated_at: iso(view.since)
})

export const make = Effect.gen(function* () {
  const urls = yield* ServiceUrls
  const diskUse = yield* DiskUse.make
  const all = (views: ReadonlyArray<ServiceView>): Effect.Effect<ReadonlyArray<Service>> =>
    Effect.map(diskUse(views.map(({ service }) => service)), (bytes) =>
      views.map((view, n) => shape(view, urls, bytes[n] ?? 0))
    )
  const one = (view: ServiceView): Effect.Effect<Service> =>
    Effect.map(diskUse([view.service]), ([bytes = 0]) => shape(view, urls, bytes))
  /** Of one that was just made, nothing has been measured. */
  const fresh = (view: ServiceView): Service => shape(view, urls, 0)
  return { all, one, fresh }
})
