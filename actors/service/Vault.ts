/**
 * A service's environment variables, sealed at rest under its owner's and its own name; opened only for a sealed
 * container. Those that are marked do not enter it: it has placeholders, and the egress proxy puts the values in.
 */
import { Effect, Option, Redacted, type Scope } from "effect"
import type { Refused } from "../../src/guards/Guard.js"
import { secretsReleasable, unreadable } from "../../src/guards/SecretsReleasable.js"
import { hostsOf, type Variable, type Variables, valueOf } from "../../src/guards/VaultVariables.js"
import { ServiceTable } from "../../src/projections/ServiceTable.js"
import { StoreUnavailable } from "../../src/store/Blobs.js"
import { Authority } from "../../src/store/certificates/Authority.js"
import * as TrustAnchors from "../../src/store/certificates/TrustAnchors.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import type { File } from "../../src/substrate/Substrate.js"
import { Substitutes } from "../egress/Substitutes.js"
import type { Claim, Claimed } from "../pool/Pools.js"
import * as Releasing from "./Releasing.js"

type Of = Releasing.Of

/** What a program is started with. */
export interface Released {
  readonly env: Readonly<Record<string, string>>
  /** To be there before it runs. */
  readonly files: ReadonlyArray<File>
}

/** As the kernel hands an environment over: no name has a `=` or an `@`, and neither name nor value a NUL. */
const encode = (variables: Variables): string =>
  Object.entries(variables)
    .map(([name, one]) => `${typeof one === "string" ? name : `${name}@${one.egress.join(",")}`}=${valueOf(one)}`)
    .join("\0")

const decoded = (pair: string): readonly [string, Variable] => {
  const end = pair.indexOf("=")
  const [name = "", hosts] = pair.slice(0, end).split("@")
  const value = pair.slice(end + 1)
  return [name, hosts === undefined ? value : { value, egress: hosts.split(",") }]
}

const decode = (text: string): Variables => Object.fromEntries(text === "" ? [] : text.split("\0").map(decoded))

/** Inside; the proxy speaks for the hosts that marked values go to, so whoever asks them must believe its authority. */
const ROOTS = "/tmp/.unsandbox/roots.pem"
const believing = Object.fromEntries(
  ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "DENO_CERT"].map(
    (name) => [name, ROOTS]
  )
)

const unopened = secretsReleasable.refuse(unreadable)

/** A vault opens only under the name that has its owner in it. */
const nameOf = ({ owner, service }: Of) => `vault/${owner}/${service}`

export interface Vault {
  readonly put: (of: Of, variables: Variables) => Effect.Effect<void, StoreUnavailable>
  readonly remove: (of: Of) => Effect.Effect<void, StoreUnavailable>
  /** For its owner, who has proven to be that. Refuses what is not authentic. */
  readonly show: (of: Of) => Effect.Effect<Variables, Refused | StoreUnavailable>
  /** D24. Without the values of those that are marked. */
  readonly release: (of: Of, claim: Claim, claimed: Claimed) => Effect.Effect<Released, Refused | StoreUnavailable>
  /** Until the scope ends, what is marked goes out from this container by D24, as the vault has it then. */
  readonly inhabit: (of: Of, claim: Claim, claimed: Claimed) => Effect.Effect<void, never, Scope.Scope>
}

export const make = Effect.gen(function* () {
  const secrets = yield* Secrets
  const services = yield* ServiceTable
  const judge = yield* Releasing.make
  const substitutes = yield* Substitutes
  const authority = yield* Authority

  /** The empty one of who never had any; undefined where the log knows of variables, since they are lost then. */
  const absent = ({ service }: Of): Effect.Effect<Variables | undefined, StoreUnavailable> =>
    services.find(service).pipe(
      Effect.map((found) => (Option.exists(found, ({ vault }) => (vault?.names.length ?? 0) > 0) ? undefined : {})),
      Effect.mapError(({ reason }) => new StoreUnavailable({ reason }))
    )

  /** Undefined: something is there that is not ours, or what was ours is not there. */
  const open = (of: Of): Effect.Effect<Variables | undefined, StoreUnavailable> =>
    Effect.flatMap(
      Effect.catchTag(secrets.get(nameOf(of)), "Unsealable", () => Effect.succeed(undefined)),
      (found) => {
        if (found === undefined) return Effect.succeed(undefined)
        return Option.match(found, {
          onNone: () => absent(of),
          onSome: (text) => Effect.succeed(decode(Redacted.value(text)))
        })
      }
    )

  const released = (of: Of, claim: Claim, claimed: Claimed): Effect.Effect<Variables, Refused | StoreUnavailable> =>
    Effect.flatMap(open(of), (found) =>
      Effect.as(judge(of, found !== undefined, { claim, claimed }, `open the vault of ${of.service}`), found ?? {})
    )

  const roots = Effect.map(authority.certificate, (own): File => {
    return { path: ROOTS, mode: 0o644, content: Buffer.from(`${TrustAnchors.system().trimEnd()}\n${own}`) }
  })

  /** Not twice: what runs there may be reading it. */
  const equipped = new WeakSet<Claimed>()
  const equipment = (claimed: Claimed): Effect.Effect<ReadonlyArray<File>, StoreUnavailable> =>
    equipped.has(claimed)
      ? Effect.succeed([])
      : Effect.map(roots, (file) => {
          equipped.add(claimed)
          return [file]
        })

  const enter = (variables: Variables, claimed: Claimed): Effect.Effect<Released, StoreUnavailable> => {
    const known = ([name, one]: readonly [string, Variable]) =>
      [name, typeof one === "string" ? one : substitutes.placeholder(claimed.id, name)] as const
    const env = Object.fromEntries(Object.entries(variables).map(known))
    if (Object.keys(hostsOf(variables)).length === 0) return Effect.succeed({ env, files: [] })
    return Effect.map(equipment(claimed), (files) => ({ env: { ...believing, ...env }, files }))
  }

  return {
    put: (of, variables) => secrets.put(nameOf(of), Redacted.make(encode(variables))),
    remove: (of) => Effect.asVoid(secrets.delete(nameOf(of))),
    show: (of) => Effect.flatMap(open(of), (found) => (found === undefined ? unopened : Effect.succeed(found))),
    release: (of, claim, claimed) =>
      Effect.flatMap(released(of, claim, claimed), (variables) => enter(variables, claimed)),
    inhabit: ({ owner, service }, claim, claimed) =>
      substitutes.inhabit({ container: claimed.id, service, owner }, released({ owner, service }, claim, claimed))
  } satisfies Vault
})
