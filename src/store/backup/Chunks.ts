/** The sealed chunks of a backup (the format is told in Header.ts), made and opened as they go by. */
import { createCipheriv, createDecipheriv, hkdf, scrypt, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"
import type { Chunks } from "../TarStream.js"
import { BackupRefused, damaged } from "./BackupRefused.js"
import { cut } from "./Cut.js"
import * as Header from "./Header.js"

const CHUNK = 256 * 1024
const TAG = 16
const INFO = "unsandbox backup v1"
/** The number of a chunk has 4 bytes. */
const MOST = 2 ** 32

type Scrypt = (
  passphrase: Buffer,
  salt: Buffer,
  bytes: number,
  options: { readonly N: number; readonly r: number; readonly p: number; readonly maxmem: number }
) => Promise<Buffer>

const stretch: Scrypt = promisify(scrypt)
const derive = promisify(hkdf)

const keyOf = async (passphrase: Buffer, { cost: { logN, p, r }, salt }: Header.Header) => {
  const N = 2 ** logN
  const stretched = await stretch(passphrase, salt, 32, { N, r, p, maxmem: 128 * r * (N + p + 2) })
  const material = Buffer.from(await derive("sha256", stretched, salt, INFO, 48))
  return { key: material.subarray(0, 32), check: material.subarray(32) }
}

const nonceOf = (prefix: Buffer, nth: number, last: boolean): Buffer => {
  if (nth >= MOST) throw new BackupRefused({ code: "failed", message: "A backup has at most 1 PiB." })
  const nonce = Buffer.alloc(12)
  prefix.copy(nonce)
  nonce.writeUInt32BE(nth, 7)
  nonce[11] = last ? 1 : 0
  return nonce
}

interface Sealing {
  readonly key: Buffer
  readonly prefix: Buffer
  /** The whole header. */
  readonly bound: Buffer
}

const seal = ({ bound, key, prefix }: Sealing, nth: number, chunk: Buffer): Buffer => {
  const cipher = createCipheriv("aes-256-gcm", key, nonceOf(prefix, nth, chunk.length < CHUNK), { authTagLength: TAG })
  cipher.setAAD(bound)
  return Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()])
}

const unseal = ({ bound, key, prefix }: Sealing, nth: number, block: Buffer): Buffer => {
  if (block.length < TAG) throw damaged("it breaks off")
  const last = block.length < CHUNK + TAG
  const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(prefix, nth, last), { authTagLength: TAG })
  decipher.setAAD(bound).setAuthTag(block.subarray(-TAG))
  const chunk = decipher.update(block.subarray(0, -TAG))
  try {
    decipher.final()
  } catch {
    throw damaged(last ? "it was changed, or breaks off" : "it was changed")
  }
  return chunk
}

/** Everything of the file but its place. Each call makes salt and nonces of its own. */
export const sealed = async (passphrase: Buffer, cost?: Header.Cost) => {
  const header = Header.fresh(cost)
  const { check, key } = await keyOf(passphrase, header)
  const bound = Header.encode(header, check)
  const sealing = { key, prefix: header.prefix, bound }
  return async function* (source: AsyncIterable<Uint8Array>): Chunks {
    yield bound
    let nth = 0
    for await (const chunk of cut(source, CHUNK)) yield seal(sealing, nth++, chunk)
  }
}

/** Of the first bytes of a file, how to open the rest. Throws BackupRefused; what it yields is authentic, but may not be all. */
export const opened = async (passphrase: Buffer, head: Buffer) => {
  const { check, header } = Header.decode(head)
  const found = await keyOf(passphrase, header)
  if (!timingSafeEqual(found.check, check))
    throw new BackupRefused({
      code: "wrong_passphrase",
      message: "The passphrase is not the one that this backup was sealed with, or the head of the file is damaged."
    })
  const sealing = { key: found.key, prefix: header.prefix, bound: head }
  return async function* (source: AsyncIterable<Uint8Array>): Chunks {
    let nth = 0
    for await (const block of cut(source, CHUNK + TAG)) yield unseal(sealing, nth++, block)
  }
}
