/** An order for a service: what a caller may write in it, and its one normal form. */
import { Either } from "effect"
import type { PoolId } from "../../events/Ids.js"
import { childKeyOf } from "./ChildKey.js"
import type { Wanted } from "./Descent.js"
import { anything } from "./Fact.js"
import type { Reason } from "./Guard.js"
import { absent, BOUNDS, bad, flag, isText, network, type Read, whole } from "./Order.js"
import { wellformed } from "./RequestWellformed.js"
import { type Variables, variables } from "./VaultVariables.js"

/** As it came, under the contract's names; whoever reads the wire has resolved the aliases. */
export interface ServiceWritten {
  readonly name?: unknown
  readonly ports?: unknown
  readonly bootstrap?: unknown
  readonly custom_domains?: unknown
  readonly network_mode?: unknown
  readonly vcpu?: unknown
  readonly service_type?: unknown
  readonly env?: unknown
  readonly child_key?: unknown
  readonly unfreeze_on_demand?: unknown
  readonly show_freeze_page?: unknown
}

const serviceTypes = ["web", "minecraft", "mumble", "teamspeak", "source", "tcp", "udp"] as const
type ServiceType = (typeof serviceTypes)[number]

export interface ServiceOrder {
  /** As written: D15 judges it. Undefined where the caller named none. */
  readonly name: string | undefined
  readonly ports: ReadonlyArray<number>
  /** A script; undefined where the root may have one of its own. */
  readonly bootstrap: string | undefined
  /** As written: each is judged by D15. */
  readonly domains: ReadonlyArray<string>
  readonly network: PoolId
  readonly vcpu: number
  readonly serviceType: ServiceType
  /** For the vault. */
  readonly env: Variables
  /** What a key of its own may have; undefined where it is to have none. */
  readonly childKey: Wanted | undefined
  readonly unfreezeOnDemand: boolean
  readonly showFreezePage: boolean
}

const BOOTSTRAP_BYTES = 2 ** 20
const PORTS = 32
const DOMAINS = 32

/** What a type's programs listen on, where the caller names no port. UDP is not relayed, so it has no public port. */
const ports: { readonly [T in ServiceType]: ReadonlyArray<number> } = {
  web: [],
  minecraft: [25_565],
  mumble: [64_738],
  teamspeak: [10_011],
  source: [27_015],
  tcp: [],
  udp: []
}
export const isPublic = (type: ServiceType): boolean => type !== "web" && type !== "udp"

const listOf = (value: unknown): ReadonlyArray<unknown> | undefined => {
  if (absent(value) || value === "") return []
  if (isText(value)) return value.split(",")
  return Array.isArray(value) ? value : typeof value === "number" ? [value] : undefined
}

const range = { least: 1, most: 65_535, usual: 0 }

const portsOf = (value: unknown): Read<ReadonlyArray<number>> => {
  const given = listOf(value)
  if (given === undefined || given.length > PORTS)
    return bad("ports", `ports must be a list of at most ${PORTS} numbers such as [80, 8080].`)
  const read = given.map((one) => whole("ports", isText(one) ? one.trim() : (one ?? ""), range, ""))
  return Either.map(Either.all(read), (all) => [...new Set(all)])
}

const texts = (field: string, value: unknown, most: number): Read<ReadonlyArray<string>> => {
  const given = listOf(value)
  if (given === undefined || given.length > most || !given.every(isText))
    return bad(field, `${field} must be a list of at most ${most} strings.`)
  return Either.right(given)
}

export const domainsOf = (value: unknown): Read<ReadonlyArray<string>> => texts("custom_domains", value, DOMAINS)

const LINK = /^https?:\/\/[\x21-\x7e]+$/

/** A link means the script that is there. */
const script = (text: string): string =>
  LINK.test(text.trim())
    ? `#!/bin/bash\nset -o pipefail\ncurl -fsSL --retry 3 -- '${text.trim().replaceAll("'", "'\\''")}' | bash\n`
    : text

export const bootstrapOf = (value: unknown): Read<string | undefined> => {
  if (absent(value) || value === "") return Either.right(undefined)
  if (!isText(value) || !value.isWellFormed() || value.includes("\0"))
    return bad("bootstrap", "bootstrap must be a script as text.")
  if (Buffer.byteLength(value) > BOOTSTRAP_BYTES)
    return bad("bootstrap", `bootstrap is larger than ${BOOTSTRAP_BYTES / 2 ** 20} MiB.`, "too_large", 413)
  return Either.right(script(value))
}

const typeOf = (value: unknown): Read<ServiceType> => {
  if (absent(value) || value === "") return Either.right("web")
  const known = serviceTypes.find((type) => type === value)
  return known === undefined
    ? bad("service_type", `service_type must be one of ${serviceTypes.join(", ")}.`)
    : Either.right(known)
}

export const nameOf = (value: unknown): Read<string | undefined> => {
  if (absent(value) || value === "") return Either.right(undefined)
  return isText(value) ? Either.right(value) : bad("name", "name must be a string: letters, digits and hyphens.")
}

const named = (written: ServiceWritten) =>
  Either.all({
    name: nameOf(written.name),
    ports: portsOf(written.ports),
    bootstrap: bootstrapOf(written.bootstrap),
    domains: domainsOf(written.custom_domains),
    network: network(written.network_mode),
    vcpu: whole("vcpu", written.vcpu, BOUNDS.vcpu, ""),
    serviceType: typeOf(written.service_type),
    env: variables(written.env, written.network_mode),
    childKey: childKeyOf(written.child_key),
    unfreezeOnDemand: flag("unfreeze_on_demand", written.unfreeze_on_demand),
    showFreezePage: flag("show_freeze_page", absent(written.show_freeze_page) ? true : written.show_freeze_page)
  })

const read = (written: ServiceWritten): Either.Either<ServiceOrder, Reason> =>
  Either.flatMap(named(written), (order) => {
    const listened = order.ports.length > 0 ? order.ports : ports[order.serviceType]
    if (isPublic(order.serviceType) && listened.length === 0)
      return bad("ports", "A service of type tcp needs the port that it listens on: ports [7000], for example.")
    return Either.right({ ...order, ports: listened })
  })

/** D11 on an order for a service. */
export const serviceWellformed = wellformed<ServiceWritten, ServiceOrder>(
  {
    name: anything,
    ports: anything,
    bootstrap: anything,
    custom_domains: anything,
    network_mode: anything,
    vcpu: anything,
    service_type: anything,
    env: anything,
    child_key: anything,
    unfreeze_on_demand: anything,
    show_freeze_page: anything
  },
  read
)
