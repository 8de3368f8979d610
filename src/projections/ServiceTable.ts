/** Every service that ever was, as it stands now, who has which name, and what a host name means. */
import { Context, type Effect, Option } from "effect"
import type { PoolId, PublicKey, ServiceId } from "../../events/Ids.js"
import type { LogUnavailable } from "../log/EventLog.js"
import { Lru } from "../log/Lru.js"
import { type Connection, reading } from "./Reading.js"
import { projector } from "./ServiceProjector.js"
import { type Columns, type ServiceView, viewOf } from "./ServiceView.js"

export type { ServiceView }

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
    /** How many there are of each network. */
    readonly networks: Unread<ReadonlyMap<PoolId, number>>
    /** Those that have a container, or should: what a new control plane goes on with. */
    readonly active: Unread<ReadonlyArray<Pick<ServiceView, "service" | "owner" | "state">>>
    /** Frozen, with a container, since before `at`; oldest first, some at a time. */
    readonly frozenBefore: (at: number) => Unread<ReadonlyArray<ServiceId>>
    /** Destroyed, and something of them may be left. */
    readonly unerased: Unread<ReadonlyArray<ServiceId>>
  }
>() {}

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
  networks: db.prepare<[], { readonly network: PoolId; readonly count: number }>(
    `SELECT network, count(*) AS count FROM services WHERE NOT ${gone} GROUP BY network`
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

/** Names and domains whose views are kept. */
const KEPT = 4_096

/** What visitors ask for with each request, until something becomes of any service. */
class Kept {
  readonly byName = new Lru<string, ServiceView>(KEPT)
  readonly byDomain = new Lru<string, ServiceView>(KEPT)

  forget(): void {
    this.byName.clear()
    this.byDomain.clear()
  }
}

const read = (kept: Kept, db: Connection): Context.Tag.Service<ServiceTable> => {
  const ask = queries(db)
  const one = (row: Columns | undefined) => Option.map(Option.fromNullable(row), viewOf)
  // A fold and its commit are one synchronous step, so whoever looks here looks after the commit (or the rollback).
  const keeping = (views: Lru<string, ServiceView>, query: typeof ask.named) => (name: string) =>
    reading(() => {
      const known = views.get(name)
      if (known !== undefined) return Option.some(known)
      const found = one(query.get(name))
      // Strangers ask for whatever they like: what nobody has would push out what somebody has.
      if (Option.isSome(found)) views.set(name, found.value)
      return found
    })
  kept.forget()
  return {
    find: (service) => reading(() => one(ask.one.get(service))),
    list: (owner) => reading(() => ask.list.all(owner).map(viewOf)),
    byName: keeping(kept.byName, ask.named),
    byDomain: keeping(kept.byDomain, ask.domain),
    publicPorts: reading(() => ask.ports.all()),
    holder: (name) => reading(() => Option.fromNullable(ask.holder.get(name))),
    namesOf: (service) => reading(() => ask.names.all(service)),
    orphans: reading(() => ask.orphans.all()),
    networks: reading(() => new Map(ask.networks.all().map(({ count, network }) => [network, count]))),
    active: reading(() => ask.active.all()),
    frozenBefore: (at) => reading(() => ask.frozen.all(at, SOME)),
    unerased: reading(() => ask.unerased.all())
  }
}

/** The fold has the reader forget what may have changed: one pair a log. */
export const make = () => {
  const kept = new Kept()
  return { projector: projector(() => kept.forget()), read: (db: Connection) => read(kept, db) } as const
}
