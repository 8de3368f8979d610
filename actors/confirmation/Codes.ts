/** Codes that the server makes: eight digits, known again by a digest under a key that only the sealed store has. */
import { createHmac, randomBytes, randomInt } from "node:crypto"
import { Effect, Option, Redacted } from "effect"
import { StoreUnavailable } from "../../src/store/Blobs.js"
import type { Secrets } from "../../src/store/secrets/Secrets.js"

const DIGITS = 8
const NAME = "confirmation/mac-key"

export interface Codes {
  /** Of one code for one challenge: eight digits could be guessed from any digest that needs no key. */
  readonly macOf: (challenge: string, code: string) => Effect.Effect<Buffer, StoreUnavailable>
}

export const newCode = (): Redacted.Redacted<string> =>
  Redacted.make(String(randomInt(10 ** DIGITS)).padStart(DIGITS, "0"))

/** As a person may have typed it. */
export const normal = (typed: string): string => typed.slice(0, 64).replace(/[\s-]+/g, "")

const made = (secrets: typeof Secrets.Service) =>
  Effect.gen(function* () {
    const found = yield* secrets.get(NAME)
    if (Option.isSome(found)) return found.value
    const fresh = Redacted.make(randomBytes(32).toString("hex"))
    yield* secrets.put(NAME, fresh)
    return fresh
  }).pipe(Effect.catchTag("Unsealable", ({ name }) => new StoreUnavailable({ reason: `${name} cannot be unsealed` })))

export const make = (secrets: typeof Secrets.Service): Codes => {
  // One at a time: two who both found none would each make one, and the first code could never be answered.
  const turn = Effect.unsafeMakeSemaphore(1)
  let key: Redacted.Redacted<string> | undefined
  const keep = (opened: Redacted.Redacted<string>) =>
    Effect.sync(() => {
      key = opened
    })
  const known = Effect.suspend(() => (key === undefined ? Effect.tap(made(secrets), keep) : Effect.succeed(key)))
  return {
    macOf: (challenge, code) =>
      Effect.map(turn.withPermits(1)(known), (secret) =>
        createHmac("sha256", Redacted.value(secret)).update(`${challenge}:${code}`).digest()
      )
  }
}
