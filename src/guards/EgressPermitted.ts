/** D25: may this container reach this destination, at the very addresses that its name was resolved to? */
import type { PublicKey } from "../../events/Ids.js"
import { closedAs } from "./AddressClass.js"
import type { Rule } from "./EgressRule.js"
import { type Known, list, maybe, oneOf, positive, struct, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

export interface Policy {
  /** Empty: every public address. Otherwise only what it lists. */
  readonly allow: ReadonlyArray<Rule>
  readonly deny: ReadonlyArray<Rule>
  /** Nobody reaches these. */
  readonly closedPorts: ReadonlyArray<number>
}

export interface Destination {
  readonly container: string
  /** Whose container it is. */
  readonly key: PublicKey
  /** Canonical: a name in lower case, or an address. */
  readonly host: string
  readonly port: number
  /** Everything that the name resolved to; the connection goes to one of these and nowhere else. */
  readonly addresses: ReadonlyArray<string>
}

export interface Egress extends Destination {
  /** The network mode that the container was made for. */
  readonly mode: string
  readonly policy: Policy
  /** Addresses of the machine that the proxy runs on. */
  readonly own: ReadonlyArray<string>
}

type Refusing = (code: string, message: string, note?: string) => Reason

const refusing =
  ({ container, host, port }: Egress): Refusing =>
  (code, message, note) => ({
    code,
    message: `${host}:${port} is not reached: ${message}`,
    status: 403,
    details: { host, port },
    note: note === undefined ? container : `${container}: ${note}`
  })

const applies = (rule: Rule, port: number): boolean => rule.port === undefined || rule.port === port

/** An address that is closed to everybody is open where the operator listed it by address, and never by name. */
const closed = ({ addresses, own, policy, port }: Egress): string | undefined => {
  for (const address of addresses) {
    const why = own.includes(address) ? "this server's own" : closedAs(address)
    const opened = policy.allow.some((rule) => applies(rule, port) && rule.contains(address))
    if (why !== undefined && !opened) return `${address} is ${why}`
  }
  return undefined
}

const denying = ({ addresses, host, policy, port }: Egress): Rule | undefined =>
  policy.deny.find((rule) => applies(rule, port) && (rule.names(host) || addresses.some(rule.contains)))

const listed = ({ addresses, host, policy, port }: Egress): boolean => {
  const allow = policy.allow.filter((rule) => applies(rule, port))
  if (policy.allow.length === 0 || allow.some((rule) => rule.names(host))) return true
  return addresses.every((address) => allow.some((rule) => rule.contains(address)))
}

const rule = (asked: Egress): true | Reason => {
  const refuse = refusing(asked)
  const { addresses, host, mode, policy, port } = asked
  if (mode !== "semitrusted") return refuse("egress_none", "this container has no way out.", mode)
  if (policy.closedPorts.includes(port)) return refuse("egress_port", `port ${port} is closed on this server.`)
  if (addresses.length === 0)
    return {
      ...refuse("egress_unresolved", `the name ${host} has no address, or its servers did not answer in time.`),
      status: 502,
      uncertain: true
    }
  const denied = denying(asked)
  if (denied !== undefined) return refuse("egress_denied", "it is on a deny-list of this server.", denied.text)
  if (!listed(asked)) return refuse("egress_unlisted", "it is not on the allow-list of this server or key.")
  const why = closed(asked)
  // A name's addresses are its owner's to tell; which of them is the server's own is not.
  if (why !== undefined) return refuse("egress_closed", "its address is not a public one.", why)
  return true
}

const known: Known = (value) => typeof value === "function"
const rules = list(
  struct<Rule>({ text, port: maybe(positive), names: known, contains: known, opens: (is) => typeof is === "boolean" })
)

export const egressPermitted = Permit.guard("D25", {
  name: "egress-permitted",
  claim: "the resolved destination may be reached",
  known: {
    container: text,
    key: text,
    host: text,
    port: (value) => positive(value) && Number(value) < 65_536,
    addresses: list(text),
    mode: oneOf("zerotrust", "semitrusted"),
    policy: struct<Policy>({ allow: rules, deny: rules, closedPorts: list(positive) }),
    own: list(text)
  },
  rule,
  carries: ({ addresses, container, host, key, port }): Destination => ({
    container,
    key,
    host,
    port,
    addresses: Object.freeze([...addresses])
  })
})
