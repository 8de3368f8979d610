/** X.509 certificates with elliptic keys: of an authority, and of hosts that it vouches for. */
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto"
import * as Der from "./Der.js"

interface Validity {
  /** Milliseconds since 1970. */
  readonly from: number
  readonly until: number
}

interface Subject extends Validity {
  readonly name: string
  readonly key: KeyObject
  readonly extensions: ReadonlyArray<Buffer>
}

interface Issuer {
  readonly name: string
  readonly key: KeyObject
}

const ecdsaWithSha256 = Der.sequence(Der.oid("1.2.840.10045.4.3.2"))

const nameOf = (name: string): Buffer => Der.sequence(Der.set(Der.sequence(Der.oid("2.5.4.3"), Der.text(name))))

const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  Der.sequence(Der.oid(id), ...(critical ? [Der.yes] : []), Der.octets(value))

const spkiOf = (key: KeyObject): Buffer =>
  (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "der" })

const identifierOf = (key: KeyObject): Buffer => createHash("sha1").update(spkiOf(key)).digest()

const usage = (byte: number, unused: number): Buffer => extension("2.5.29.15", true, Der.bits(Buffer.of(byte), unused))

const subjectKey = (key: KeyObject): Buffer => extension("2.5.29.14", false, Der.octets(identifierOf(key)))
const authorityKey = (key: KeyObject): Buffer =>
  extension("2.5.29.35", false, Der.sequence(Der.tagged(0x80, identifierOf(key))))

/** Sixteen bytes that are a positive number. */
const serial = (): Buffer => {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f)
  return Der.integer(bytes)
}

const signed = (issuer: Issuer, { extensions, from, key, name, until }: Subject): string => {
  const content = Der.sequence(
    Der.at(0, Der.integer(Buffer.of(2))),
    serial(),
    ecdsaWithSha256,
    nameOf(issuer.name),
    Der.sequence(Der.time(from), Der.time(until)),
    nameOf(name),
    spkiOf(key),
    Der.at(3, Der.sequence(...extensions))
  )
  const whole = Der.sequence(content, ecdsaWithSha256, Der.bits(sign("sha256", content, issuer.key)))
  const lines = whole.toString("base64").replace(/.{64}/g, "$&\n").trimEnd()
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

/** Of an authority that vouches for itself, and for no other authority. As PEM. */
export const authority = (issuer: Issuer, validity: Validity): string => {
  const { key } = issuer
  const noOther = extension("2.5.29.19", true, Der.sequence(Der.yes, Der.integer(Buffer.of(0))))
  // Signs certificates and lists of those that are withdrawn.
  const extensions = [noOther, usage(0x06, 1), subjectKey(key), authorityKey(key)]
  return signed(issuer, { ...issuer, ...validity, extensions })
}

/** Of a host by its name, as PEM. */
export const host = (issuer: Issuer, name: string, key: KeyObject, validity: Validity): string => {
  const extensions = [
    extension("2.5.29.19", true, Der.sequence()),
    // Signs handshakes, as a server.
    usage(0x80, 7),
    extension("2.5.29.37", false, Der.sequence(Der.oid("1.3.6.1.5.5.7.3.1"))),
    subjectKey(key),
    authorityKey(issuer.key),
    extension("2.5.29.17", false, Der.sequence(Der.tagged(0x82, Buffer.from(name, "latin1"))))
  ]
  // Only the names in the extension count; this one may have 64 characters at most.
  return signed(issuer, { name: name.slice(0, 64), key, extensions, ...validity })
}
