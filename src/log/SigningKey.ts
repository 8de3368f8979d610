/** The log owner's key: signs checkpoints (Ed25519), and marks rows with a second key derived from it. */
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject
} from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { DataRefused } from "./Database.js"
import * as KeyFile from "./KeyFile.js"

export interface SigningKey {
  readonly secret: KeyObject
  readonly public: KeyObject
  readonly rows: KeyObject
}

const generate = (): Buffer =>
  Buffer.from(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }))

const fileIn = (data: string): string => join(data, "checkpoint.key")

const from = (path: string, pem: Buffer): SigningKey => {
  const secret = createPrivateKey(pem)
  if (secret.asymmetricKeyType !== "ed25519") throw new DataRefused({ path, reason: "it is not an Ed25519 key" })
  const material = hkdfSync("sha256", secret.export({ type: "pkcs8", format: "der" }), "", "unsandbox row seal v1", 32)
  return { secret, public: createPublicKey(secret), rows: createSecretKey(Buffer.from(material)) }
}

/** The public half lies beside it, for whoever checks checkpoints elsewhere. */
export const open = (data: string, needed: boolean): SigningKey => {
  const path = fileIn(data)
  const key = from(path, KeyFile.loadOrCreate(path, generate, needed))
  writeFileSync(join(data, "checkpoint.pub"), key.public.export({ type: "spki", format: "pem" }), { mode: 0o600 })
  return key
}

export const load = (data: string): SigningKey => {
  const path = fileIn(data)
  const pem = KeyFile.load(path)
  if (pem === undefined) throw new DataRefused({ path, reason: "it is missing: the log cannot be verified without it" })
  return from(path, pem)
}
