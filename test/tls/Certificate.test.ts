/** A pair of files is taken only when callers could trust it now; otherwise it says which file, what, and the fix. */
import { execFileSync } from "node:child_process"
import { chmodSync, copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Either } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Certificate from "../../src/tls/Certificate.js"
import { type Pair, pairIn } from "../support/certificates.js"

const directory = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let pair: Pair
let other: Pair
beforeAll(() => {
  pair = pairIn(directory, "pair")
  other = pairIn(directory, "other")
})

const DAY = 86_400_000
const load = (files: Pair, now = Date.now()) => Certificate.load(files, now)

const refusal = (files: Pair, now?: number) => {
  const { path, reason } = Either.getOrThrow(Either.flip(load(files, now)))
  return { path, reason }
}

const file = (name: string, content: string, mode = 0o600): string => {
  const path = join(directory, name)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

describe("a pair", () => {
  it("that is good is taken, also behind links", () => {
    const [cert, key] = [join(directory, "live.pem"), join(directory, "live.key")]
    symlinkSync(pair.cert, cert)
    symlinkSync(pair.key, key)
    const { until } = Either.getOrThrow(load({ cert, key }))
    expect(Math.round((until - Date.now()) / DAY)).toBe(90)
  })

  it("that has ended, or not begun, is not", () => {
    expect(refusal(pair, Date.now() + 91 * DAY)).toEqual({ path: pair.cert, reason: expect.stringContaining("Renew") })
    expect(refusal(pair, Date.now() - DAY)).toEqual({ path: pair.cert, reason: expect.stringContaining("clock") })
    expect(refusal(pair, Number.NaN).path).toBe(pair.cert)
  })

  it("of a certificate and another's key is not", () => {
    const mixed = { cert: pair.cert, key: other.key }
    expect(refusal(mixed)).toEqual({ path: other.key, reason: expect.stringContaining(pair.cert) })
  })

  it("is not when anybody else may have read the key", () => {
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      const key = join(directory, `mode-${mode}`)
      copyFileSync(pair.key, key)
      chmodSync(key, mode)
      expect(refusal({ cert: pair.cert, key })).toEqual({ path: key, reason: expect.stringContaining("chmod 600") })
    }
  })

  it("is not when a file is missing, empty, something else or far too large", () => {
    const nothing = join(directory, "nothing")
    expect(refusal({ ...pair, cert: nothing })).toEqual({ path: nothing, reason: expect.stringContaining("ENOENT") })
    expect(refusal({ ...pair, cert: directory }).reason).toContain("no PEM file")
    expect(refusal({ ...pair, cert: "/dev/zero" }).reason).toContain("no PEM file")
    expect(refusal({ ...pair, key: file("large", "x".repeat(2 ** 20 + 1)) }).reason).toContain("no PEM file")
    expect(refusal({ ...pair, cert: file("empty", "") }).reason).toContain("no certificate")
    expect(refusal({ ...pair, cert: pair.key }).reason).toContain("no certificate")
    expect(refusal({ ...pair, key: file("nonsense", "nonsense") }).reason).toContain("no private key")
  })

  it("is not when the key has a passphrase", () => {
    const key = join(directory, "locked.key")
    execFileSync("openssl", ["ec", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", key], {
      stdio: "pipe"
    })
    chmodSync(key, 0o600)
    expect(refusal({ ...pair, key }).reason).toContain("passphrase")
  })

  it("is not when OpenSSL finds its key too weak", () => {
    const weak = pairIn(directory, "weak", ["-newkey", "rsa:512"])
    expect(refusal(weak)).toEqual({ path: weak.cert, reason: expect.stringContaining("stronger") })
  })
})
