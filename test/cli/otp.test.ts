/** The operator's side of confirmations, beside a running server: what waits, where codes go, and an authenticator's life. */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { Secret, TOTP } from "otpauth"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { home } from "../../src/cli/Home.js"
import { type Server, startServer } from "../support/server.js"

const PROGRAM = join(home, "bin", "unsandbox.mjs")

interface Done {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = (...argv: ReadonlyArray<string>) =>
  new Promise<Done>((resolve) => {
    execFile(process.execPath, [PROGRAM, ...argv], { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr })
    )
  })

describe("unsandbox otp", () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ pool: 1 })
  })
  afterAll(() => server.stop())

  const otp = (...argv: ReadonlyArray<string>) => run("otp", ...argv, "--data", server.data)
  const json = async (...argv: ReadonlyArray<string>): Promise<Readonly<Record<string, unknown>>> => {
    const { code, stderr, stdout } = await otp(...argv, "--json")
    expect([code, stderr]).toEqual([0, ""])
    return JSON.parse(stdout)
  }

  it("says so when nothing waits", async () => {
    expect(await json()).toEqual({ confirmations: [], count: 0 })
    expect(await otp()).toEqual({ code: 0, stdout: "", stderr: "Nothing waits for a confirmation.\n" })
  })

  it("sets where codes go, and takes it off again", async () => {
    const key = server.publicKey
    expect(await json("contact", key, "--email", "me@example.com")).toEqual({
      public_key: key,
      email: "me@example.com",
      webhook: null
    })
    expect(await json("contact", key, "--webhook", "https://example.com/x")).toMatchObject({
      email: "me@example.com",
      webhook: "https://example.com/x"
    })
    expect(await json("contact", key, "--webhook", "none")).toMatchObject({ email: "me@example.com", webhook: null })
    expect(await json("contacts")).toMatchObject({
      contacts: [{ public_key: key, email: "me@example.com", totp: false }]
    })
    expect((await otp("contact", key, "--email", "none")).stdout).toBe(`codes of ${key} go to the server's console\n`)
  })

  it("refuses what is no address, no key, and nothing", async () => {
    const bad = await otp("contact", server.publicKey, "--webhook", "http://example.com/")
    expect([bad.code, bad.stderr]).toEqual([4, "unsandbox: a webhook is an https:// URL, or http:// on this host\n"])
    expect((await otp("contact", "nobody", "--email", "a@example.com")).code).toBe(2)
    expect((await otp("contact", server.publicKey)).code).toBe(2)
    expect((await otp("enrol", "unsb-pk-none")).stderr).toContain("there is no key unsb-pk-none that can be used")
  })

  it("enrols an authenticator, completes it with its code, and takes it off", async () => {
    const key = server.publicKey
    const { otpauth } = await json("enrol", key)
    const secret = new URL(String(otpauth)).searchParams.get("secret") ?? ""
    const device = new TOTP({ secret: Secret.fromBase32(secret) })
    const early = await otp("confirm", key, "nonsense")
    expect([early.code, early.stderr]).toEqual([4, expect.stringContaining("not the code that the device shows")])
    expect(await json("confirm", key, device.generate())).toEqual({ public_key: key, totp: true })
    expect(await json("contacts")).toMatchObject({ contacts: [{ public_key: key, totp: true }] })
    expect((await otp("enrol", key)).stderr).toContain("otp remove")
    expect(await json("remove", key)).toEqual({ public_key: key, totp: false })
  })

  it("needs the server that asks", async () => {
    const { code, stderr } = await run("otp", "--data", join(server.data, "none"))
    expect([code, stderr]).toEqual([1, expect.stringContaining("no server runs on")])
  })

  it("is told in a screenful", async () => {
    const { stdout } = await run("otp", "--help")
    for (const word of ["contacts", "contact", "enrol", "confirm", "remove", "--watch"]) expect(stdout).toContain(word)
  })
})
