/** One entry of an allow-list or deny-list: hosts by name, or addresses by network, and perhaps one port. */
import { isIP } from "node:net"
import { Either } from "effect"
import { blockOf, reachesClosed, within } from "./AddressClass.js"
import { hostOf } from "./HostName.js"

export interface Rule {
  /** As it is shown, and kept in events. */
  readonly text: string
  /** Undefined: every port. */
  readonly port: number | undefined
  /** By its name; an address has none, but for `*`. */
  readonly names: (host: string) => boolean
  readonly contains: (address: string) => boolean
  /** It opens addresses that are closed to everybody otherwise, once it stands in an allow-list. */
  readonly opens: boolean
}

const nothing = () => false

const byName = (text: string, port: number | undefined, names: Rule["names"]): Rule => ({
  text,
  port,
  names,
  contains: nothing,
  opens: false
})

const byNetwork = (text: string, port: number | undefined, base: string, prefix: number): Rule => {
  const block = blockOf(base, prefix)
  const contains = (address: string) => within(block, address)
  return { text, port, names: nothing, contains, opens: reachesClosed(base, prefix) }
}

interface Split {
  readonly target: string
  readonly port: string | undefined
}

/** IPv6 needs brackets only beside a port. */
const split = (written: string): Split => {
  const bracketed = /^\[(.*)\](?::(.*))?$/.exec(written)
  if (bracketed !== null) return { target: bracketed[1] ?? "", port: bracketed[2] }
  const [target = "", port, ...more] = written.split(":")
  return more.length > 0 ? { target: written, port: undefined } : { target, port }
}

const portOf = (port: string): number | undefined => {
  const value = /^\d{1,5}$/.test(port) ? Number(port) : 0
  return value > 0 && value < 65_536 ? value : undefined
}

const network = (target: string, port: number | undefined, suffix: string): Rule | undefined => {
  const [written = "", size, ...more] = target.split("/")
  // A program's `10.1` is 10.0.0.1; whoever writes it into a rule means something else.
  const base = isIP(written) === 0 ? undefined : hostOf(written)
  if (base === undefined || more.length > 0) return undefined
  const family = isIP(base)
  const bits = family === 4 ? 32 : 128
  const prefix = size === undefined ? bits : /^\d{1,3}$/.test(size) ? Number(size) : bits + 1
  if (prefix > bits) return undefined
  const shown = size === undefined ? base : `${base}/${prefix}`
  return byNetwork(family === 6 && suffix !== "" ? `[${shown}]${suffix}` : shown + suffix, port, base, prefix)
}

const named = (target: string, port: number | undefined, suffix: string): Rule | undefined => {
  if (target === "*") return byName(`*${suffix}`, port, () => true)
  const above = target.startsWith("*.") ? hostOf(target.slice(2)) : undefined
  if (above !== undefined && isIP(above) === 0)
    return byName(`*.${above}${suffix}`, port, (host) => isIP(host) === 0 && host.endsWith(`.${above}`))
  const host = hostOf(target)
  if (host === undefined || isIP(host) !== 0) return undefined
  return byName(host + suffix, port, (one) => one === host)
}

const LONGEST = 300
const EXPECTED =
  "expected a host such as pypi.org or *.example.com, an address, a network such as 10.1.0.0/16, or *; " +
  "with :PORT when only that one is meant"

/** Left is a sentence that names what is expected. */
export const parse = (written: string): Either.Either<Rule, string> => {
  const { port: digits, target } = split(written.slice(0, LONGEST + 1))
  const port = digits === undefined ? undefined : portOf(digits)
  const suffix = port === undefined ? "" : `:${port}`
  const valid = written.length <= LONGEST && (digits === undefined || port !== undefined)
  const rule = valid ? (network(target, port, suffix) ?? named(target, port, suffix)) : undefined
  if (rule !== undefined) return Either.right(rule)
  const shown = JSON.stringify(written.slice(0, 80))
  return Either.left(`${shown} is no rule: ${EXPECTED}`)
}
