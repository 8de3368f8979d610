/** A root key: 512 random bits that seal nothing themselves; the key for each purpose is derived from them. */
import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto"

export interface RootKey {
  /** What a store knows it by; tells nothing about the key. */
  readonly identity: string
  /** 256 bits, different ones for each purpose. */
  readonly derive: (purpose: string) => KeyObject
}

export const SIZE = 64

export const generate = (): Buffer => randomBytes(SIZE)

/** The bytes are not needed after it, and are wiped. */
export const of = (bytes: Buffer): RootKey => {
  const root = createSecretKey(bytes)
  bytes.fill(0)
  const derived = (purpose: string) => Buffer.from(hkdfSync("sha512", root, "unsandbox root key", purpose, 32))
  return { identity: derived("identity v1").toString("hex"), derive: (purpose) => createSecretKey(derived(purpose)) }
}

/** 64 bytes as hex or as base64; undefined when it is neither. */
export const parse = (text: string): RootKey | undefined => {
  const written = text.trim()
  if (/^[0-9a-fA-F]{128}$/.test(written)) return of(Buffer.from(written, "hex"))
  return /^[A-Za-z0-9+/_-]{86}(==)?$/.test(written) ? of(Buffer.from(written, "base64")) : undefined
}
