/**
 * The file format of backups, version 1, and its first 67 bytes.
 *
 *     0   8  magic "UNSBBKUP"
 *     8   1  version of the format: 1
 *     9   3  scrypt: log2 N (17), r (8), p (1)
 *    12  32  salt, random
 *    44   7  prefix of the nonces, random
 *    51  16  check of the passphrase
 *    67   …  chunks
 *
 * scrypt(passphrase, salt) gives 32 bytes; HKDF-SHA-256 of them (salt: the same, info: "unsandbox backup v1") gives the key
 * of AES-256-GCM, 32 bytes, and the check, 16 bytes. The check tells a wrong passphrase from damage, and ties the file to
 * one key.
 *
 * Chunks are a STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): what is inside is cut into pieces of 256 KiB, each sealed
 * on its own, ciphertext and then its 16-byte tag. The nonce is prefix ‖ number of the chunk from 0 (4 bytes, big-endian) ‖
 * 1 for the last chunk and 0 for others; the whole header is associated data of each. The last chunk is the one that is
 * shorter than 256 KiB, and it is always there, if need be without content. So a chunk that was changed, moved, left out or
 * given twice does not open, a file cut anywhere has no last chunk, and what is longer has one where none may be.
 *
 * Inside is a tar. A member of it is one or more entries of the same name, one after the other: all but the last have exactly
 * 1 MiB, the last has less (`tar -xO` puts them together again). A member "withdrawn" takes back the one before it, which
 * was gone before it could be read to its end. The members, in this order:
 *
 *     manifest.json       what must be here, with digests (Manifest.ts)
 *     database            the SQLite file, copied in one transaction
 *     files/NAME          files of the data directory itself: keys, checkpoints, configuration
 *     blobs/DIGEST        blobs too large for the database, by digest, ascending
 *     layers/DIGEST       layers that snapshots and images need, gzip, by the digest of what is compressed, ascending
 *     trees/NAME          logs and recordings: a tar each
 *     volumes/ID          volumes of sessions and services: a tar each, with owners, modes and attributes
 *     end.json            the digests of trees and volumes as they were read, and sums
 */
import { randomBytes } from "node:crypto"
import { BackupRefused, damaged } from "./BackupRefused.js"

const MAGIC = Buffer.from("UNSBBKUP")
const VERSION = 1
export const HEADER_BYTES = 67
const CHECK_AT = 51

/** 128 MiB and a quarter of a second for whoever tries a passphrase. */
const USUAL = { logN: 17, r: 8, p: 1 } as const
/** Of a file that nobody vouches for yet: at most a gigabyte, for some seconds. */
const BOUNDS = { logN: [14, 20], r: [8, 8], p: [1, 4] } as const

export interface Cost {
  readonly logN: number
  readonly r: number
  readonly p: number
}

export interface Header {
  readonly cost: Cost
  readonly salt: Buffer
  readonly prefix: Buffer
}

export const fresh = (cost: Cost = USUAL): Header => ({ cost, salt: randomBytes(32), prefix: randomBytes(7) })

export const encode = ({ cost: { logN, p, r }, prefix, salt }: Header, check: Buffer): Buffer =>
  Buffer.concat([MAGIC, Buffer.from([VERSION, logN, r, p]), salt, prefix, check])

const within = (value: number, [least, most]: readonly [number, number]): boolean => value >= least && value <= most

const fields = (bytes: Buffer) => {
  const cost = { logN: bytes[9] ?? 0, r: bytes[10] ?? 0, p: bytes[11] ?? 0 }
  const header: Header = { cost, salt: bytes.subarray(12, 44), prefix: bytes.subarray(44, CHECK_AT) }
  return { header, check: bytes.subarray(CHECK_AT, HEADER_BYTES) }
}

/** Throws BackupRefused. */
export const decode = (bytes: Buffer) => {
  if (bytes.length < MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new BackupRefused({ code: "not_a_backup", message: "This file is no backup of unsandbox." })
  if (bytes.length < HEADER_BYTES) throw damaged("it ends within its header")
  if (bytes[8] !== VERSION)
    throw new BackupRefused({ code: "not_a_backup", message: `This program reads backups of version ${VERSION} only.` })
  const found = fields(bytes)
  const { logN, p, r } = found.header.cost
  if (!within(logN, BOUNDS.logN) || !within(r, BOUNDS.r) || !within(p, BOUNDS.p))
    throw damaged("its header names costs that no backup has")
  return found
}
