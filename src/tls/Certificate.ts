/** A certificate and its private key as files hold them: read, judged, and refused with the fix when they are not good. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { createSecureContext } from "node:tls"
import { Data, Either } from "effect"

/** The reason names the fix. */
export class CertificateRefused extends Data.TaggedError("CertificateRefused")<{
  readonly path: string
  readonly reason: string
}> {}

export interface Files {
  /** PEM: the certificate, and after it those between it and its root. */
  readonly cert: string
  readonly key: string
}

export interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
  /** Milliseconds since 1970. */
  readonly until: number
}

type Read<A> = Either.Either<A, CertificateRefused>

/** Of the protocol. */
export const oldest = "TLSv1.2" as const
const largest = 1024 * 1024

const refused = (path: string, reason: string) => Either.left(new CertificateRefused({ path, reason }))

const why = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const trying = <A>(path: string, reason: (error: unknown) => string, body: () => A): Read<A> =>
  Either.try({ try: body, catch: (error) => new CertificateRefused({ path, reason: reason(error) }) })

/** Links are followed: whoever renews certificates keeps them behind one. */
const bytesOf = (path: string, secret: boolean): Read<Buffer> =>
  Either.gen(function* () {
    const unreadable = (error: unknown) => `it cannot be read (${why(error)}). Name another, or let this user read it`
    const found = yield* trying(path, unreadable, () => statSync(path))
    if (!found.isFile() || found.size > largest) return yield* refused(path, "it is no PEM file. Name the file itself")
    if (secret && (found.mode & 0o077) !== 0)
      return yield* refused(
        path,
        "others than its owner can read it. Run `chmod 600` on it, and replace it if they did"
      )
    return yield* trying(path, unreadable, () => readFileSync(path))
  })

const privateKey = (path: string, bytes: Buffer): Read<KeyObject> =>
  trying(
    path,
    () => "it holds no private key in PEM, or one with a passphrase. Take that off with `openssl pkey -in … -out …`",
    () => createPrivateKey(bytes)
  )

const day = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

/** Good now, and for this key: what is not would be found out by every caller. */
export const load = (files: Files, nowMillis: number): Read<Certificate> =>
  Either.gen(function* () {
    const cert = yield* bytesOf(files.cert, false)
    const key = yield* bytesOf(files.key, true)
    const noCertificate = () => "it holds no certificate in PEM. Name the chain that came with the certificate"
    const leaf = yield* trying(files.cert, noCertificate, () => new X509Certificate(cert))
    const secret = yield* privateKey(files.key, key)
    if (!leaf.checkPrivateKey(secret))
      return yield* refused(files.key, `it is not the key of ${files.cert}. Name the two that were made together`)
    const [from, until] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]
    if (!(nowMillis < until)) return yield* refused(files.cert, `it ended on ${day(until)}. Renew it`)
    if (!(nowMillis >= from))
      return yield* refused(files.cert, `it begins on ${day(from)}. Set this machine's clock, or use it then`)
    const unfit = (error: unknown) => `OpenSSL does not take it (${why(error)}). Have it made anew with a stronger key`
    yield* trying(files.cert, unfit, () => createSecureContext({ cert, key, minVersion: oldest }))
    return { cert, key, until }
  })
