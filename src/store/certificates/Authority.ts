/** This server's own certificate authority: only containers are told to believe it. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto"
import { Clock, Context, Effect, Layer, Option, Redacted } from "effect"
import type { StoreUnavailable } from "../Blobs.js"
import { Secrets } from "../secrets/Secrets.js"
import * as Certificate from "./Certificate.js"

/** For one host. */
interface Leaf {
  readonly key: string
  /** As PEM; its authority is not part of it. */
  readonly certificate: string
  /** Milliseconds since 1970. */
  readonly until: number
}

export class Authority extends Context.Tag("store/certificates/Authority")<
  Authority,
  {
    /** As PEM. Made when it is first needed. */
    readonly certificate: Effect.Effect<string, StoreUnavailable>
    readonly vouch: (host: string) => Effect.Effect<Leaf, StoreUnavailable>
  }
>() {}

const SECRET = "egress/authority"
const HOUR = 3_600_000
const DAY = 24 * HOUR
const YEARS = 10 * 365 * DAY
/** One that ends sooner is not given to a service that may run for long. */
const RENEWED = 365 * DAY

/** Its name is in every certificate that it signs. */
const NAMED = "unsandbox egress"

interface Known {
  readonly name: typeof NAMED
  readonly key: KeyObject
  readonly certificate: string
}

const elliptic = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey

const privatePem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString()

const PEMS = /^(-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n)(-----BEGIN CERTIFICATE-----[\s\S]+)$/

/** Undefined: it is none, or ends soon. */
const read = (text: string, now: number): Known | undefined => {
  const [, key = "", certificate = ""] = PEMS.exec(text) ?? []
  if (certificate === "") return undefined
  if (Date.parse(new X509Certificate(certificate).validTo) < now + RENEWED) return undefined
  return { name: NAMED, key: createPrivateKey(key), certificate }
}

const made = (now: number): Known => {
  const issuer = { name: NAMED, key: elliptic() } as const
  return { ...issuer, certificate: Certificate.authority(issuer, { from: now - DAY, until: now + YEARS }) }
}

const make = Effect.gen(function* () {
  const secrets = yield* Secrets
  const alone = yield* Effect.makeSemaphore(1)
  // One key for all hosts: whoever has this process's memory has all of them anyway.
  const leafKey = elliptic()
  const leafPem = privatePem(leafKey)
  let known: Known | undefined

  const fresh = (now: number) =>
    Effect.suspend(() => {
      const one = made(now)
      return Effect.as(secrets.put(SECRET, Redacted.make(privatePem(one.key) + one.certificate)), one)
    })

  /** One that cannot be opened any more is replaced: what believed it believes nobody until it is started anew. */
  const kept = (now: number) =>
    Effect.map(
      Effect.catchTag(secrets.get(SECRET), "Unsealable", () => Effect.succeedNone),
      (found) => Option.map(found, Redacted.value).pipe(Option.flatMapNullable((text) => read(text, now)))
    )

  const issuer = Effect.gen(function* () {
    if (known !== undefined) return known
    const now = yield* Clock.currentTimeMillis
    const found = yield* kept(now)
    known = Option.isSome(found) ? found.value : yield* fresh(now)
    return known
  }).pipe(alone.withPermits(1))

  return Authority.of({
    certificate: Effect.map(issuer, ({ certificate }) => certificate),
    vouch: (host) =>
      Effect.gen(function* () {
        const by = yield* issuer
        const now = yield* Clock.currentTimeMillis
        const until = now + DAY
        // A container's clock is this host's; what compares seconds still wants some room.
        return { key: leafPem, certificate: Certificate.host(by, host, leafKey, { from: now - HOUR, until }), until }
      })
  })
})

export const layer = Layer.effect(Authority, make)
