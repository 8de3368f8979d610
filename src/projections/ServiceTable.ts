/** Every service that ever was, as it stands now, who has which name, and what a host name means. */
import { Context, type Effect, Option, Schema } from "effect"
import { Hold } from "../../events/Hold.js"
import type { ContainerId, PoolId, PublicKey, ServiceId } from "../../events/Ids.js"
import { Failure } from "../../events/Service.js"
import type { LogUnavailable } from "../log/EventLog.js"
import { type Connection, flagOf, reading } from "./Reading.js"

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

type Unread<A> = Effect.Effect<A, LogUnavailable>

export class ServiceTable extends Context.Tag("projections/ServiceTable")<
  ServiceTable,
  {
    /** Those that are no more, too. */
    readonly find: (service: ServiceId) => Unread<Option.Option<ServiceView>>
    /** The owner's, newest first; at most 1,000. */
    readonly list: (owner: PublicKey) => Unread<ReadonlyArray<ServiceView>>
    /** Who has the name, or else who had it last. */
    readonly byName: (name: string) => Unread<Option.Option<ServiceView>>
    readonly byDomain: (domain: string) => Unread<Option.Option<ServiceView>>
    /** Of those that are: port and service. */
    readonly publicPorts: Unread<ReadonlyArray<{ readonly port: number; readonly service: ServiceId }>>
    /** Who has claimed it: a label, a domain, or `tcp:PORT`. */
    readonly holder: (name: string) => Unread<Option.Option<ServiceId>>
    readonly namesOf: (service: ServiceId) => Unread<ReadonlyArray<string>>
    /** Claimed for services that were never created. */
    readonly orphans: Unread<ReadonlyArray<{ readonly name: string; readonly service: ServiceId }>>
    /** Those that have a container, or should: what a new control plane goes on with. */
    readonly active: Unread<ReadonlyArray<Pick<ServiceView, "service" | "owner" | "state">>>
    /** Frozen, with a container, since before `at`; oldest first, some at a time. */
    readonly frozenBefore: (at: number) => Unread<ReadonlyArray<ServiceId>>
    /** Destroyed, and something of them may be left. */
    readonly unerased: Unread<ReadonlyArray<ServiceId>>
  }
>() {}

interface Columns {
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

const view = (row: Columns): ServiceView => ({
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

const SOME = 256
const gone = "state IN ('destroyed', 'erased')"

const queries = (db: Connection) => ({
  one: db.prepare<[string], Columns>("SELECT * FROM services WHERE service = ?"),
  list: db.prepare<[string], Columns>(
    "SELECT * FROM services WHERE owner = ? AND state NOT IN ('destroyed', 'erased') ORDER BY seq DESC LIMIT 1000"
  ),
  named: db.prepare<[string], Columns>(`SELECT * FROM services WHERE name = ? ORDER BY ${gone}, seq DESC LIMIT 1`),
  domain: db.prepare<[string], Columns>(
    `SELECT services.* FROM service_domains JOIN services USING (service) WHERE domain = ? ORDER BY ${gone}, seq DESC LIMIT 1`
  ),
  ports: db.prepare<[], { readonly port: number; readonly service: ServiceId }>(
    `SELECT public_port AS port, service FROM services WHERE public_port IS NOT NULL AND NOT ${gone} ORDER BY port`
  ),
  holder: db.prepare<[string], ServiceId>("SELECT service FROM names WHERE name = ?").pluck(),
  names: db.prepare<[string], string>("SELECT name FROM names WHERE service = ? ORDER BY name").pluck(),
  orphans: db.prepare<[], { readonly name: string; readonly service: ServiceId }>(
    "SELECT name, service FROM names WHERE service NOT IN (SELECT service FROM services)"
  ),
  active: db.prepare<[], Pick<ServiceView, "service" | "owner" | "state">>(
    `SELECT service, owner, state FROM services
     WHERE state IN ('starting', 'running', 'frozen', 'redeploying', 'stopped') ORDER BY seq`
  ),
  frozen: db
    .prepare<[number, number], ServiceId>(
      "SELECT service FROM services WHERE state = 'frozen' AND since < ? ORDER BY since LIMIT ?"
    )
    .pluck(),
  unerased: db.prepare<[], ServiceId>("SELECT service FROM services WHERE state = 'destroyed'").pluck()
})

export const read = (db: Connection): Context.Tag.Service<ServiceTable> => {
  const ask = queries(db)
  const one = (row: Columns | undefined) => Option.map(Option.fromNullable(row), view)
  return {
    find: (service) => reading(() => one(ask.one.get(service))),
    list: (owner) => reading(() => ask.list.all(owner).map(view)),
    byName: (name) => reading(() => one(ask.named.get(name))),
    byDomain: (domain) => reading(() => one(ask.domain.get(domain))),
    publicPorts: reading(() => ask.ports.all()),
    holder: (name) => reading(() => Option.fromNullable(ask.holder.get(name))),
    namesOf: (service) => reading(() => ask.names.all(service)),
    orphans: reading(() => ask.orphans.all()),
    active: reading(() => ask.active.all()),
    frozenBefore: (at) => reading(() => ask.frozen.all(at, SOME)),
    unerased: reading(() => ask.unerased.all())
  }
}
