import { Effect, Ref } from "effect"
import { describe, expect } from "vitest"
import { Keys } from "../../actors/key/Keys.js"
import { PublicKey } from "../../events/Ids.js"
import { type Ask, request, type Sign } from "../support/client.js"
import { live } from "../support/it.js"
import { caller, inServer, Noted, Submitted } from "./harness.js"

const program = { language: "python", code: "hello" }
const now = () => Math.floor(Date.now() / 1_000)

interface Accepted {
  readonly name: string
  readonly path?: string
  readonly ask: (path: string) => Ask
}

const accepted: ReadonlyArray<Accepted> = [
  { name: "the exact path and body", ask: () => ({ body: program }) },
  { name: "a query, signed with it", path: "/execute?audit=1", ask: () => ({ body: program }) },
  {
    name: "a query, signed without it",
    path: "/execute?audit=1",
    ask: () => ({ body: program, sign: { path: "/execute" } })
  },
  { name: "pretty-printed JSON", ask: () => ({ body: JSON.stringify(program, null, 2) }) },
  { name: "a timestamp 299 s old", ask: () => ({ body: program, sign: { timestamp: now() - 299 } }) },
  { name: "a timestamp 299 s ahead", ask: () => ({ body: program, sign: { timestamp: now() + 299 } }) }
]

const refused: ReadonlyArray<readonly [string, Ask, number, string]> = [
  ["no credentials", { body: program, sign: false }, 401, "missing_credentials"],
  ["a bearer alone", { body: program, sign: "bearer" }, 401, "missing_signature"],
  [
    "another secret",
    { body: program, sign: { secretKey: "unsb-sk-aaaaa-aaaaa-aaaaa-aaaaa" } },
    401,
    "invalid_signature"
  ],
  ["another body", { body: program, sign: { body: "{}" } }, 401, "invalid_signature"],
  ["an empty body signed for a full one", { body: program, sign: { body: "" } }, 401, "invalid_signature"],
  ["another path", { body: program, sign: { path: "/run" } }, 401, "invalid_signature"],
  ["another method", { body: program, sign: { method: "PUT" } }, 401, "invalid_signature"],
  ["a signature in capitals", { body: program, sign: { signature: "A".repeat(64) } }, 401, "invalid_signature"],
  ["a short signature", { body: program, sign: { signature: "ab" } }, 401, "invalid_signature"],
  ["an old timestamp", { body: program, sign: { timestamp: now() - 400 } }, 401, "invalid_timestamp"],
  ["a future timestamp", { body: program, sign: { timestamp: now() + 400 } }, 401, "invalid_timestamp"],
  ["a timestamp that is no number", { body: program, sign: { timestamp: "soon" } }, 401, "invalid_timestamp"],
  ["an unknown key", { body: program, sign: { publicKey: "unsb-pk-none-none-none-none" } }, 401, "invalid_key"],
  ["a malformed key", { body: program, sign: { publicKey: "hello" } }, 401, "invalid_key"],
  [
    "a secret key as bearer",
    { body: program, sign: { publicKey: "unsb-sk-aaaaa-aaaaa-aaaaa-aaaaa" } },
    401,
    "legacy_key_unsupported"
  ]
]

describe("signed requests", () => {
  live("are accepted in every form that a correct client sends", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        for (const { ask, name, path = "/execute" } of accepted) {
          const answer = yield* Effect.promise(() => request(to, "POST", path, ask(path)))
          expect(answer.status, `${name}: ${answer.text}`).toBe(200)
        }
        const emptyObject: Sign = { body: "" }
        const validated = yield* Effect.promise(() =>
          request(to, "POST", "/keys/validate", { body: "{}", sign: emptyObject })
        )
        expect(validated.status, "an empty body signed, {} sent").toBe(200)
      })
    )
  )

  live("are refused in every other, say why, are told to the log, and run nothing", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        for (const [name, ask, status, error] of refused) {
          const answer = yield* Effect.promise(() => request(to, "POST", "/execute", ask))
          expect([answer.status, answer.json.error], name).toEqual([status, error])
          expect(answer.json, name).toMatchObject({
            code: error.toUpperCase(),
            message: expect.any(String),
            details: expect.any(Object)
          })
          expect(answer.text, name).not.toContain(to.secretKey)
          expect(answer.headers["x-request-id"], name).toMatch(/^[\w.:-]+$/)
          if (error === "invalid_timestamp") expect(answer.json.message).toContain("timestamp")
        }
        expect(yield* Ref.get(yield* Submitted)).toEqual([])
        const noted = yield* Ref.get(yield* Noted)
        expect(noted.map(({ refused: { reason } }) => reason.code)).toEqual(refused.map(([, , , code]) => code))
        expect(noted[2]?.asked).toEqual({ principal: to.publicKey, action: "POST /execute" })
      })
    )
  )
})

describe("keys that are not good", () => {
  live("are told apart, with what clients read of it", () =>
    inServer(
      Effect.gen(function* () {
        const keys = yield* Keys
        const [suspended, revoked] = [yield* caller(), yield* caller()]
        const expired = yield* caller("old", 1_000_000)
        yield* keys.suspend(PublicKey.make(suspended.publicKey), "asked", "root/test")
        yield* keys.revoke(PublicKey.make(revoked.publicKey), "asked", "root/test")
        const validate = (to: typeof expired) => Effect.promise(() => request(to, "POST", "/keys/validate"))
        const old = yield* validate(expired)
        expect(old.status).toBe(401)
        expect(old.json).toMatchObject({ valid: false, reason: "expired", error: "expired", expired: true })
        expect(old.json.expired_at_datetime).toBe("1970-01-01T00:00:01.000Z")
        expect(yield* validate(suspended)).toMatchObject({ status: 403, json: { valid: false, reason: "suspended" } })
        expect(yield* validate(revoked)).toMatchObject({ status: 401, json: { valid: false, reason: "invalid_key" } })
        yield* keys.resume(PublicKey.make(suspended.publicKey), "root/test")
        expect(yield* validate(suspended)).toMatchObject({ status: 200, json: { valid: true, status: "active" } })
      })
    )
  )
})

describe("routes that need only a known key", () => {
  live("answer its bearer or a signature, and nobody else", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const get = (path: string, ask: Ask = {}) => Effect.promise(() => request(to, "GET", path, ask))
        for (const path of ["/cluster", "/pools"]) {
          expect((yield* get(path, { sign: "bearer" })).status).toBe(200)
          expect((yield* get(path)).status).toBe(200)
          expect((yield* get(path, { sign: false })).status).toBe(401)
          // A signature that is there must be right.
          expect((yield* get(path, { sign: { signature: "0".repeat(64) } })).status).toBe(401)
        }
        expect((yield* get("/stats", { sign: "bearer" })).status).toBe(401)
        expect((yield* get("/stats")).status).toBe(200)
      })
    )
  )
})
