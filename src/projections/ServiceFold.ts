/** What an event of a service or of a name does to the rows behind ServiceTable. */
import type { Row } from "../../events/Envelope.js"
import type { ServiceId } from "../../events/Ids.js"
import type { NameEvent } from "../../events/Name.js"
import type { ServiceCreated, ServiceEvent } from "../../events/Service.js"
import type { Connection } from "./Reading.js"

export type Ours = NameEvent | ServiceEvent

const bit = (value: boolean): number => (value ? 1 : 0)

export const statements = (db: Connection) => ({
  create: db.prepare(
    `INSERT INTO services (seq, service, owner, name, domains, state, since, network, vcpu, ports, service_type, public_port,
       locked, unfreeze_on_demand, show_freeze_page, bootable, created_at)
     VALUES (?, ?, ?, ?, ?, 'starting', ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`
  ),
  become: db.prepare(
    "UPDATE services SET state = ?, since = ?, container = ?, failure = ?, hold = NULL WHERE service = ?"
  ),
  deepFreeze: db.prepare("UPDATE services SET state = 'deep-frozen', since = ?, container = NULL WHERE service = ?"),
  // Thawing is going on where it stopped; after a deep freeze, starting again.
  thaw: db.prepare(
    `UPDATE services SET since = ?, hold = NULL, state = CASE state WHEN 'frozen' THEN 'running' ELSE 'starting' END
     WHERE service = ?`
  ),
  freeze: db.prepare("UPDATE services SET state = 'frozen', since = ?, hold = ? WHERE service = ?"),
  lock: db.prepare("UPDATE services SET locked = ? WHERE service = ?"),
  resize: db.prepare("UPDATE services SET vcpu = ? WHERE service = ?"),
  rename: db.prepare("UPDATE services SET name = ? WHERE service = ?"),
  policy: db.prepare("UPDATE services SET unfreeze_on_demand = ?, show_freeze_page = ? WHERE service = ?"),
  vault: db.prepare("UPDATE services SET vault = ?, vault_at = ? WHERE service = ?"),
  destroy: db.prepare(
    "UPDATE services SET state = 'destroyed', since = ?, container = NULL, cause = ? WHERE service = ?"
  ),
  erase: db.prepare("UPDATE services SET state = 'erased' WHERE service = ?"),
  bootable: db.prepare("UPDATE services SET bootable = 1 WHERE service = ?"),
  domains: db.prepare("UPDATE services SET domains = ? WHERE service = ?"),
  undomain: db.prepare("DELETE FROM service_domains WHERE service = ?"),
  domain: db.prepare("INSERT OR IGNORE INTO service_domains (domain, service) VALUES (?, ?)"),
  claim: db.prepare("INSERT OR REPLACE INTO names (name, service, owner) VALUES (?, ?, ?)"),
  release: db.prepare("DELETE FROM names WHERE name = ? AND service = ?")
})

export type Statements = ReturnType<typeof statements>

const setDomains = (on: Statements, service: ServiceId, domains: ReadonlyArray<string>) => {
  on.domains.run(JSON.stringify(domains), service)
  on.undomain.run(service)
  for (const domain of domains) on.domain.run(domain, service)
}

const create = (on: Statements, { at, seq }: Row, event: ServiceCreated) => {
  const { network, owner, publicPort, service, serviceType, showFreezePage, unfreezeOnDemand, vcpu } = event
  const [domains, ports] = [JSON.stringify(event.domains), JSON.stringify(event.ports)]
  const policy = [bit(unfreezeOnDemand), bit(showFreezePage), bit(event.bootstrap !== null || event.from !== null)]
  on.create.run(
    ...[seq, service, owner, event.name, domains, at, network, vcpu, ports, serviceType, publicPort, ...policy, at]
  )
  setDomains(on, service, event.domains)
}

/** What a service becomes, and with which container. */
const states = (on: Statements, { at }: Row, event: Ours): boolean => {
  switch (event._tag) {
    case "ServiceStarting":
      return on.become.run("starting", at, null, null, event.service).changes > 0
    case "ServiceStarted":
      return on.become.run("running", at, event.container, null, event.service).changes > 0
    case "ServiceFrozen":
      return on.freeze.run(at, event.hold === null ? null : JSON.stringify(event.hold), event.service).changes > 0
    case "ServiceThawed":
      return on.thaw.run(at, event.service).changes > 0
    case "ServiceDeepFrozen":
      return on.deepFreeze.run(at, event.service).changes > 0
    case "ServiceRedeploying":
      if (event.bootstrap !== null) on.bootable.run(event.service)
      return on.become.run("redeploying", at, null, null, event.service).changes > 0
    case "ServiceStopped":
      on.bootable.run(event.service)
      return on.become.run("stopped", at, null, null, event.service).changes > 0
    case "ServiceFailed":
      return on.become.run("failed", at, null, JSON.stringify(event.failure), event.service).changes > 0
    case "ServiceDestroyed":
      return on.destroy.run(at, event.cause, event.service).changes > 0
    case "ServiceErased":
      return on.erase.run(event.service).changes > 0
    default:
      return false
  }
}

export const fold = (on: Statements, row: Row, event: Ours): void => {
  switch (event._tag) {
    case "ServiceCreated":
      return void create(on, row, event)
    case "ServiceLocked":
    case "ServiceUnlocked":
      return void on.lock.run(bit(event._tag === "ServiceLocked"), event.service)
    case "ServiceResized":
      return void on.resize.run(event.vcpu, event.service)
    case "ServiceRenamed":
      return void on.rename.run(event.name, event.service)
    case "ServicePolicyChanged":
      return void on.policy.run(bit(event.unfreezeOnDemand), bit(event.showFreezePage), event.service)
    case "ServiceDomainsChanged":
      return void setDomains(on, event.service, event.domains)
    case "VaultChanged":
      return void on.vault.run(JSON.stringify({ names: event.names, egress: event.egress }), row.at, event.service)
    case "NameClaimed":
      return void on.claim.run(event.name, event.service, event.owner)
    case "NameReleased":
      return void on.release.run(event.name, event.service)
    default:
      return void states(on, row, event)
  }
}
