/** Addresses that nobody reaches through a proxy of ours, by the registries of special-purpose addresses. */
import { BlockList, isIP } from "node:net"

interface Range {
  readonly class: string
  readonly base: string
  readonly prefix: number
}

const ranges = (of: string, ...networks: ReadonlyArray<string>): ReadonlyArray<Range> =>
  networks.map((network) => {
    const [base = "", prefix] = network.split("/")
    return { class: of, base, prefix: Number(prefix) }
  })

const CLOSED4 = [
  ...ranges("unspecified", "0.0.0.0/8"),
  ...ranges("loopback", "127.0.0.0/8"),
  // Azure's platform answers instances on an address that looks public.
  ...ranges("metadata", "169.254.169.254/32", "168.63.129.16/32"),
  ...ranges("private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
  ...ranges("shared (carrier NAT)", "100.64.0.0/10"),
  ...ranges("link-local", "169.254.0.0/16"),
  ...ranges("documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
  ...ranges("benchmark", "198.18.0.0/15"),
  ...ranges("6to4", "192.88.99.0/24"),
  ...ranges("multicast", "224.0.0.0/4"),
  ...ranges("broadcast", "255.255.255.255/32"),
  ...ranges("reserved", "192.0.0.0/24", "240.0.0.0/4")
]

/** Of IPv6 only global unicast is open at all; these are named for their refusals, or lie within it. */
const CLOSED6 = [
  ...ranges("unspecified", "::/128"),
  ...ranges("loopback", "::1/128"),
  ...ranges("IPv4-mapped", "::ffff:0:0/96"),
  ...ranges("IPv4-compatible", "::/96"),
  ...ranges("NAT64", "64:ff9b::/96", "64:ff9b:1::/48"),
  ...ranges("metadata", "fd00:ec2::254/128"),
  ...ranges("private", "fc00::/7"),
  ...ranges("link-local", "fe80::/10"),
  ...ranges("site-local", "fec0::/10"),
  ...ranges("multicast", "ff00::/8"),
  ...ranges("Teredo", "2001::/32"),
  ...ranges("reserved", "2001::/23"),
  ...ranges("documentation", "2001:db8::/32", "3fff::/20"),
  ...ranges("6to4", "2002::/16")
]

const ofFamily = (address: string) => (isIP(address) === 4 ? "ipv4" : "ipv6")

/** The block of one network; throws when it is none. */
export const blockOf = (base: string, prefix: number): BlockList => {
  const block = new BlockList()
  block.addSubnet(base, prefix, ofFamily(base))
  return block
}

const blocks = (table: ReadonlyArray<Range>) =>
  table.map((range) => ({ ...range, block: blockOf(range.base, range.prefix) }))

const closed4 = blocks(CLOSED4)
const closed6 = blocks(CLOSED6)
const global6 = blockOf("2000::", 3)

export const within = (block: BlockList, address: string): boolean => block.check(address, ofFamily(address))

/** Why nobody reaches this address; undefined when it is a public one. What is no address is closed. */
export const closedAs = (address: string): string | undefined => {
  const family = isIP(address)
  if (family === 0 || address.includes("%")) return "not an address"
  if (family === 4) return closed4.find(({ block }) => within(block, address))?.class
  const named = closed6.find(({ block }) => within(block, address))?.class
  return named ?? (within(global6, address) ? undefined : "reserved")
}

/** Whether a network has any address in it that is closed. */
export const reachesClosed = (base: string, prefix: number): boolean => {
  if (closedAs(base) !== undefined) return true
  const block = blockOf(base, prefix)
  return (isIP(base) === 4 ? closed4 : closed6).some((range) => within(block, range.base))
}
