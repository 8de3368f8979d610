/** A signed statement that the log stood at `hash` when it had `seq` rows. */
import { sign as signBytes, verify as verifyBytes } from "node:crypto"
import { Either, Schema } from "effect"
import * as Canonical from "./Canonical.js"
import type { SigningKey } from "./SigningKey.js"

export const Checkpoint = Schema.Struct({
  seq: Schema.Int,
  hash: Schema.String,
  at: Schema.Int,
  /** Hex, Ed25519. */
  signature: Schema.String
})
export type Checkpoint = typeof Checkpoint.Type

const message = ({ seq, hash, at }: Omit<Checkpoint, "signature">): Buffer =>
  Buffer.from(`unsandbox checkpoint v1\n${Canonical.encode({ seq, hash, at })}`)

export const sign = (key: SigningKey, statement: Omit<Checkpoint, "signature">): Checkpoint => ({
  ...statement,
  signature: signBytes(null, message(statement), key.secret).toString("hex")
})

export const genuine = (key: SigningKey, checkpoint: Checkpoint): boolean =>
  verifyBytes(null, message(checkpoint), key.public, Buffer.from(checkpoint.signature, "hex"))

const decode = Schema.decodeUnknownEither(Schema.parseJson(Checkpoint))

export const toLine = (checkpoint: Checkpoint): string => `${Canonical.encode({ ...checkpoint })}\n`

export const fromLine = (line: string): Checkpoint | undefined => Either.getOrUndefined(decode(line))
