/** A service as it stands now, read out of its row. */
import { Schema } from "effect"
import { Hold } from "../../events/Hold.js"
import type { ContainerId, PoolId, PublicKey, ServiceId } from "../../events/Ids.js"
import { Failure } from "../../events/Service.js"
import { flagOf } from "./Reading.js"

type ServiceState = "starting" | "running" | "frozen" | "redeploying" | "stopped" | "failed"

/** What is known of a vault: never a value. */
interface Vaulted {
  readonly names: ReadonlyArray<string>
  /** Of those that are marked: the hosts that their values may go to. */
  readonly egress: Readonly<Record<string, ReadonlyArray<string>>>
  readonly at: number
}

/** Times in microseconds since 1970. */
export interface ServiceView {
  readonly service: ServiceId
  readonly owner: PublicKey
  readonly name: string
  readonly domains: ReadonlyArray<string>
  readonly state: ServiceState
  /** Frozen without a container: only its root is kept. */
  readonly deep: boolean
  readonly since: number
  readonly network: PoolId
  readonly vcpu: number
  readonly ports: ReadonlyArray<number>
  readonly serviceType: string | null
  readonly publicPort: number | null
  readonly locked: boolean
  readonly unfreezeOnDemand: boolean
  readonly showFreezePage: boolean
  readonly container: ContainerId | null
  /** There is a bootstrap for it to start with. */
  readonly bootable: boolean
  /** When its state is `failed`. */
  readonly failure: typeof Failure.Type | null
  /** When it is frozen and its owner did not ask for that. */
  readonly hold: Hold | null
  readonly vault: Vaulted | null
  readonly createdAt: number
  /** It is no more. */
  readonly ended: { readonly cause: string; readonly at: number } | null
}

export interface Columns {
  readonly service: ServiceId
  readonly owner: PublicKey
  readonly name: string
  readonly domains: string
  readonly state: ServiceState | "deep-frozen" | "destroyed" | "erased"
  readonly since: number
  readonly network: PoolId
  readonly vcpu: number
  readonly ports: string
  readonly service_type: string | null
  readonly public_port: number | null
  readonly locked: number
  readonly unfreeze_on_demand: number
  readonly show_freeze_page: number
  readonly container: ContainerId | null
  readonly bootable: number
  readonly failure: string | null
  readonly hold: string | null
  readonly vault: string | null
  readonly vault_at: number | null
  readonly created_at: number
  readonly cause: string | null
}

const texts = Schema.decodeSync(Schema.parseJson(Schema.Array(Schema.String)))
const numbers = Schema.decodeSync(Schema.parseJson(Schema.Array(Schema.Int)))
const vaultOf = Schema.decodeSync(
  Schema.parseJson(
    Schema.Struct({
      names: Schema.Array(Schema.String),
      egress: Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) })
    })
  )
)
const failureOf = Schema.decodeSync(Schema.parseJson(Failure))
const holdOf = Schema.decodeSync(Schema.parseJson(Hold))

const stateOf = (state: Columns["state"]): ServiceState => {
  if (state === "deep-frozen") return "frozen"
  return state === "destroyed" || state === "erased" ? "stopped" : state
}

export const viewOf = (row: Columns): ServiceView => ({
  service: row.service,
  owner: row.owner,
  name: row.name,
  domains: texts(row.domains),
  state: stateOf(row.state),
  deep: row.state === "deep-frozen",
  since: row.since,
  network: row.network,
  vcpu: row.vcpu,
  ports: numbers(row.ports),
  serviceType: row.service_type,
  publicPort: row.public_port,
  locked: flagOf(row.locked),
  unfreezeOnDemand: row.unfreeze_on_demand === 1,
  showFreezePage: row.show_freeze_page === 1,
  container: row.container,
  bootable: row.bootable === 1,
  failure: row.failure === null ? null : failureOf(row.failure),
  hold: row.hold === null ? null : holdOf(row.hold),
  vault: row.vault === null || row.vault_at === null ? null : { ...vaultOf(row.vault), at: row.vault_at },
  createdAt: row.created_at,
  ended: row.cause === null ? null : { cause: row.cause, at: row.since }
})
