/** D15: may this service be called so? The name is valid, kept for nobody, and nobody else's. */
import { Either } from "effect"
import { list, maybe, oneOf, text, written } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"
import { quote } from "./Quote.js"

/** `label`: NAME of NAME.on.DOMAIN. `domain`: a host name of the caller's own. */
export type NameKind = "label" | "domain"

export interface NameAsked {
  readonly kind: NameKind
  /** As the caller wrote it. */
  readonly asked: string
  /** Domains that are this server's own, with everything below them. */
  readonly own: ReadonlyArray<string>
  /** For whom it is; undefined for a service that does not exist yet. */
  readonly service: string | undefined
  /** Which service has it now; undefined when none has. */
  readonly holder: string | undefined
}

export interface Claimable {
  readonly kind: NameKind
  /** In the one form in which names are kept: lower case, without a dot at the end. */
  readonly name: string
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const LONGEST = 253

/** Names that people take for the operator's, or that programs look for by themselves. */
const RESERVED = new Set(
  (
    "www api admin administrator root on app console portal dashboard status health metrics proxy egress node pool " +
    "mail smtp imap pop pop3 webmail mx ns ns1 ns2 ns3 dns ftp ssh vpn ssl tls cdn static login auth account accounts billing " +
    "support help security abuse postmaster hostmaster webmaster noreply localhost localdomain broadcasthost wpad isatap " +
    "autoconfig autodiscover unsandbox"
  ).split(" ")
)

export const normal = (asked: string): string => asked.trim().toLowerCase().replace(/\.$/, "")

const invalid = (message: string): Reason => ({ code: "invalid_name", message, status: 400 })

const wrongLabel = (name: string): Reason | undefined => {
  // `xn--` and its like mean something else than what they spell.
  if (!LABEL.test(name) || name.slice(2, 4) === "--")
    return invalid(
      `The name ${quote(name)} must be 1 to 63 letters, digits and hyphens, beginning and ending with a letter or digit.`
    )
  if (!RESERVED.has(name)) return undefined
  return { code: "name_reserved", message: `The name ${quote(name)} is reserved. Choose another.`, status: 400 }
}

const within = (name: string, domain: string) => name === domain || name.endsWith(`.${domain}`)

const wrongDomain = (name: string, own: ReadonlyArray<string>): Reason | undefined => {
  const labels = name.split(".")
  const valid = labels.length >= 2 && name.length <= LONGEST && labels.every((label) => LABEL.test(label))
  if (!valid || /^\d+$/.test(labels.at(-1) ?? ""))
    return invalid(`${quote(name)} is no domain. Write it like shop.example.com, without a scheme, port or path.`)
  if (!own.some((domain) => within(name, domain))) return undefined
  return {
    code: "name_reserved",
    message: `${quote(name)} is below a domain of this server. Use \`name\` for that.`,
    status: 400
  }
}

const taken = (name: string): Reason => ({
  code: "name_taken",
  message: `The name ${quote(name)} is already taken. Choose another.`,
  status: 409,
  details: { name }
})

const reads = ({ asked, holder, kind, own, service }: NameAsked): Either.Either<Claimable, Reason> => {
  const name = normal(asked)
  const wrong = kind === "label" ? wrongLabel(name) : wrongDomain(name, own)
  if (wrong !== undefined) return Either.left(wrong)
  return holder === undefined || holder === service ? Either.right({ kind, name }) : Either.left(taken(name))
}

const guard = Permit.guard("D15", {
  name: "name-claimable",
  claim: "the name is valid, unreserved and nobody else's",
  known: {
    kind: oneOf("label", "domain"),
    asked: written,
    own: list(text),
    service: maybe(text),
    holder: maybe(text)
  },
  reads
})

export const nameClaimable = {
  ...guard,
  /** Somebody was quicker: the name's own history says so. */
  lost: (name: string) => guard.refuse(taken(name))
}
