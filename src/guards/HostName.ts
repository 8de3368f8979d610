/** A host in its one canonical form, whatever it was written like: dotted IPv4, IPv6 without brackets, or a lower-case name. */
import { isIPv4, isIPv6 } from "node:net"

/** What a URL's parser would decode, drop or take for something other than a host. */
const FOREIGN = /[\s%@/?#\\:[\]<>^|]/
const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
const NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`)

const canonical = (written: string): string | undefined => {
  try {
    // The parser that browsers have: decimal, octal, hex and short IPv4 become dotted, other alphabets become ASCII.
    return new URL(`http://${written}/`).hostname
  } catch {
    return undefined
  }
}

const address6 = (written: string): string | undefined => {
  // Without a zone: an address that means something on one link only is nobody's destination.
  if (!isIPv6(written) || written.includes("%")) return undefined
  return canonical(`[${written}]`)?.slice(1, -1)
}

/** Undefined: it is no host. IPv6 may stand in brackets. */
export const hostOf = (written: string): string | undefined => {
  const bracketed = /^\[(.*)\]$/.exec(written)?.[1]
  if (bracketed !== undefined) return address6(bracketed)
  if (isIPv6(written)) return address6(written)
  if (written === "" || FOREIGN.test(written)) return undefined
  const host = canonical(written)?.replace(/\.$/, "")
  if (host === undefined || isIPv4(host)) return host
  return NAME.test(host) ? host : undefined
}
