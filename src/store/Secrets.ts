/** Small secrets, encrypted at rest under the data directory's master key; a secret opens only under its own name. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import { join } from "node:path"
import { Context, Data, Effect, Exit, Layer, Option, Redacted } from "effect"
import { Database, DataRefused } from "../log/Database.js"
import { GroupCommit } from "../log/GroupCommit.js"
import * as KeyFile from "../log/KeyFile.js"
import { StoreUnavailable } from "./Blobs.js"

/** What is kept under this name was not sealed by us, or not under this name: do not go on without it. */
export class Unsealable extends Data.TaggedError("Unsealable")<{ readonly name: string }> {}

export class Secrets extends Context.Tag("store/Secrets")<
  Secrets,
  {
    /** Resolves once durable; replaces what was there. */
    readonly put: (name: string, secret: Redacted.Redacted<string>) => Effect.Effect<void, StoreUnavailable>
    /** None only when there is no such secret. */
    readonly get: (
      name: string
    ) => Effect.Effect<Option.Option<Redacted.Redacted<string>>, StoreUnavailable | Unsealable>
    /** Resolves once durable, with whether there was one. */
    readonly delete: (name: string) => Effect.Effect<boolean, StoreUnavailable>
  }
>() {}

interface Sealed {
  readonly version: number
  readonly nonce: Buffer
  /** Ciphertext and its 16-byte tag. */
  readonly sealed: Buffer
}

/** The way of sealing: AES-256-GCM, random 96-bit nonce, bound to version and name. */
const current = 1
const tagSize = 16

const mostBytes = 64 * 1024

const bound = (version: number, name: string): Buffer => Buffer.from(`unsandbox secret v${version}\n${name}`)

const seal = (key: Buffer, name: string, secret: string): Sealed => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagSize }).setAAD(bound(current, name))
  return {
    version: current,
    nonce,
    sealed: Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()])
  }
}

/** Throws when anything about it is not as it was sealed. */
const unseal = (key: Buffer, name: string, { version, nonce, sealed }: Sealed): string => {
  if (version !== current || sealed.length < tagSize) throw new Error("sealed in a way that is not ours")
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagSize })
  decipher.setAAD(bound(version, name)).setAuthTag(sealed.subarray(-tagSize))
  return Buffer.concat([decipher.update(sealed.subarray(0, -tagSize)), decipher.final()]).toString()
}

const loadMasterKey = (path: string, needed: boolean): Buffer => {
  const key = KeyFile.loadOrCreate(path, () => randomBytes(32), needed)
  if (key.length !== 32) throw new DataRefused({ path, reason: "a master key has 32 bytes" })
  return key
}

const openMasterKey = (data: string, needed: boolean) => {
  const path = join(data, "master.key")
  return Effect.try({
    try: () => loadMasterKey(path, needed),
    catch: (error) => (error instanceof DataRefused ? error : new DataRefused({ path, reason: String(error) }))
  })
}

const unavailable = (reason: string) => new StoreUnavailable({ reason })

const make = Effect.gen(function* () {
  const { data, writer, reader } = yield* Database
  const commit = yield* GroupCommit
  const key = yield* openMasterKey(data, writer.prepare("SELECT 1 FROM secrets LIMIT 1").get() !== undefined)
  const insert = writer.prepare("INSERT OR REPLACE INTO secrets (name, version, nonce, sealed) VALUES (?, ?, ?, ?)")
  const remove = writer.prepare("DELETE FROM secrets WHERE name = ?")
  const select = reader.prepare<[string], Sealed>("SELECT version, nonce, sealed FROM secrets WHERE name = ?")

  const write = <A>(work: () => A) =>
    Effect.mapError(
      commit.submit(1_024, () => Exit.succeed(work())),
      (error) => unavailable(error.reason)
    )

  return Secrets.of({
    put: (name, secret) =>
      Effect.suspend(() => {
        const { version, nonce, sealed } = seal(key, name, Redacted.value(secret))
        if (sealed.length - tagSize > mostBytes) return unavailable(`a secret has at most ${mostBytes} bytes`)
        return Effect.asVoid(write(() => insert.run(name, version, nonce, sealed)))
      }),
    get: (name) =>
      Effect.try({ try: () => select.get(name), catch: (error) => unavailable(String(error)) }).pipe(
        Effect.flatMap((found) => {
          if (found === undefined) return Effect.succeedNone
          return Effect.try({
            try: () => Option.some(Redacted.make(unseal(key, name, found))),
            catch: () => new Unsealable({ name })
          })
        })
      ),
    delete: (name) => write(() => remove.run(name).changes > 0)
  })
})

export const layer = Layer.effect(Secrets, make)
