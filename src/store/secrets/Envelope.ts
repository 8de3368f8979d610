/**
 * How a secret is sealed: under a data key of its own, which is wrapped under the key of a root generation. Both are
 * AES-256-GCM; the wrap is bound to name, generation and version, the value to name and version, so that a new
 * generation needs a new wrap alone.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto"
import type { RootKey } from "./RootKey.js"

/** What a generation of the root key wraps data keys with. */
export interface WrappingKey {
  readonly generation: number
  readonly key: KeyObject
}

/** A data key as it is kept. */
export interface Wrapped {
  readonly version: number
  /** The generation that `wrapped` opens under; null before there were any. */
  readonly root: number | null
  readonly wrapped: Buffer | null
}

export interface Sealed extends Wrapped {
  readonly nonce: Buffer
  /** Ciphertext and its 16-byte tag. */
  readonly sealed: Buffer
}

interface Enveloped extends Sealed {
  readonly root: number
  readonly wrapped: Buffer
}

const VERSION = 2
const NONCE = 12
const TAG = 16

export const wrappingKey = (root: RootKey, generation: number): WrappingKey => ({
  generation,
  key: root.derive(`wrapping key v1 generation ${generation}`)
})

interface Box {
  readonly nonce: Buffer
  readonly sealed: Buffer
}

const close = (key: KeyObject, bound: string, content: Buffer | string): Box => {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG }).setAAD(Buffer.from(bound))
  const text = typeof content === "string" ? Buffer.from(content) : content
  return { nonce, sealed: Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]) }
}

/** Throws when anything about it is not as it was closed. */
export const unbox = (key: KeyObject, bound: string, { nonce, sealed }: Box): Buffer => {
  if (nonce.length !== NONCE || sealed.length < TAG) throw new Error("sealed in a way that is not ours")
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG })
  decipher.setAAD(Buffer.from(bound)).setAuthTag(sealed.subarray(-TAG))
  return Buffer.concat([decipher.update(sealed.subarray(0, -TAG)), decipher.final()])
}

/** A name stands last, so whatever is in it, no two of these are alike. */
const valueOf = (name: string): string => `unsandbox secret v${VERSION}\n${name}`
const wrapOf = (name: string, generation: number): string => `unsandbox data key v${VERSION}\n${generation}\n${name}`

const wrap = ({ generation, key }: WrappingKey, name: string, dataKey: Buffer): Buffer => {
  const { nonce, sealed } = close(key, wrapOf(name, generation), dataKey)
  dataKey.fill(0)
  return Buffer.concat([nonce, sealed])
}

const unwrap = ({ generation, key }: WrappingKey, name: string, { root, version, wrapped }: Wrapped): Buffer => {
  if (version !== VERSION || root !== generation || wrapped === null)
    throw new Error("sealed in a way that is not ours")
  const box = { nonce: wrapped.subarray(0, NONCE), sealed: wrapped.subarray(NONCE) }
  return unbox(key, wrapOf(name, generation), box)
}

/** Under a new data key each time. */
export const seal = (under: WrappingKey, name: string, secret: string): Enveloped => {
  const dataKey = randomBytes(32)
  const box = close(createSecretKey(dataKey), valueOf(name), secret)
  return { ...box, version: VERSION, root: under.generation, wrapped: wrap(under, name, dataKey) }
}

/** Throws when anything about it is not as it was sealed. */
export const open = (under: WrappingKey, name: string, row: Sealed): string => {
  const dataKey = unwrap(under, name, row)
  const key = createSecretKey(dataKey)
  dataKey.fill(0)
  return unbox(key, valueOf(name), row).toString()
}

/** The same data key, wrapped anew; throws when the old wrap is not as it was made. */
export const rewrap = (from: WrappingKey, to: WrappingKey, name: string, row: Wrapped): Buffer =>
  wrap(to, name, unwrap(from, name, row))
