/** Verifies: the server's own authority: kept sealed, the same after a restart, believed by what judges strictly. */
import { spawnSync } from "node:child_process"
import { X509Certificate } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Layer, Option, Redacted } from "effect"
import { describe, expect } from "vitest"
import { Authority, layer } from "../../src/store/certificates/Authority.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const on =
  (data: string) =>
  <A, E>(body: Effect.Effect<A, E, Authority | Secrets>) =>
    Effect.provide(body, Layer.provideMerge(layer, storageIn(data)))

const of = Effect.flatMap(Authority, ({ certificate }) => certificate)

describe("the authority", () => {
  live("vouches for a host so that a strict judge believes it, and for no other authority", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const { ca, leaf } = yield* on(data)(
        Effect.gen(function* () {
          const authority = yield* Authority
          return { ca: yield* authority.certificate, leaf: yield* authority.vouch("api.example") }
        })
      )
      const [root, host] = [new X509Certificate(ca), new X509Certificate(leaf.certificate)]
      expect(root.ca).toBe(true)
      expect(root.verify(root.publicKey)).toBe(true)
      expect(host.ca).toBe(false)
      expect(host.checkIssued(root)).toBe(true)
      expect(host.verify(root.publicKey)).toBe(true)
      expect(host.checkHost("api.example")).toBe("api.example")
      expect(host.checkHost("evil.example")).toBeUndefined()
      expect(Date.parse(host.validTo)).toBeLessThan(Date.now() + 86_500_000)
      const paths = { root: join(data, "root.pem"), host: join(data, "host.pem") }
      writeFileSync(paths.root, ca)
      writeFileSync(paths.host, leaf.certificate)
      const strict = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "api.example"]
      const judged = spawnSync("openssl", [...strict, "-CAfile", paths.root, paths.host], { encoding: "utf8" })
      expect(judged.stdout + judged.stderr).toBe(`${paths.host}: OK\n`)
    })
  )

  live("is the same after a restart, and another one when it was tampered with", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const first = yield* on(data)(of)
      expect(yield* on(data)(of)).toBe(first)
      const kept = yield* on(data)(Effect.flatMap(Secrets, (secrets) => secrets.get("egress/authority")))
      expect(Redacted.value(Option.getOrThrow(kept))).toContain("PRIVATE KEY")
      yield* on(data)(Effect.flatMap(Secrets, (secrets) => secrets.put("egress/authority", Redacted.make("nonsense"))))
      const other = yield* on(data)(of)
      expect(other).not.toBe(first)
      expect(yield* on(data)(of)).toBe(other)
    })
  )
})
