/** Codes by a mail server that speaks TLS and wants a password: with a certificate that this machine believes, and with another. */
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SMTPServer } from "smtp-server"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Pair, pairIn } from "../support/certificates.js"
import { request, type Target } from "../support/client.js"
import { json } from "../support/command.js"
import { anotherKey } from "../support/keys.js"
import { type Server, serverForTest } from "../support/server.js"

const PASSWORD = "pa55-of-the-mail-server"

const directory = mkdtempSync(join(tmpdir(), "unsandbox-mail-"))
let pair: Pair
const open = new Set<SMTPServer>()
beforeAll(() => {
  pair = pairIn(directory, "mail")
})
afterAll(async () => {
  for (const server of open) await new Promise<void>((resolve) => server.close(() => resolve()))
  rmSync(directory, { recursive: true, force: true })
})

/** TLS from the first byte (`smtps`), or by STARTTLS before anything else. */
const mailServer = async (scheme: "smtps" | "smtp") => {
  const mails: Array<string> = []
  const server = new SMTPServer({
    secure: scheme === "smtps",
    key: readFileSync(pair.key),
    cert: readFileSync(pair.cert),
    onAuth: ({ password, username }, { secure }, done) =>
      secure && username === "operator" && password === PASSWORD
        ? done(null, { user: username })
        : done(new Error("not let in")),
    onData: (data, _, done) => {
      let text = ""
      data.on("data", (chunk) => {
        text += String(chunk)
      })
      data.on("end", () => {
        mails.push(text)
        done()
      })
    }
  })
  server.on("error", () => {})
  open.add(server)
  server.listen(0, "127.0.0.1")
  await once(server.server, "listening")
  const { port } = server.server.address() as AddressInfo
  return { mails, url: (password: string) => `${scheme}://operator:${password}@localhost:${port}` }
}

const asking = async (url: string, env: Readonly<Record<string, string>>) => {
  const server: Server = await serverForTest({ pool: 1, env: { ...env, UNSANDBOX_SMTP_URL: url } })
  const key = anotherKey(server, "--confirm", "on")
  await json("otp", "contact", key.publicKey, "--email", "me@example.com", "--data", server.data)
  const made = await request(key, "POST", "/services", { body: { name: "treasure", bootstrap: "sleep 1000" } })
  const path = `/services/${String(made.json.id)}`
  return { key, path, server, asked: await request(key, "DELETE", path) }
}

const kept = async (key: Target, path: string) => expect((await request(key, "GET", path)).status).toBe(200)

describe.each(["smtps", "smtp"] as const)("by %s", (scheme) => {
  it("reach their person, and confirm", async () => {
    const { mails, url } = await mailServer(scheme)
    const { asked, key, path, server } = await asking(url(PASSWORD), { NODE_EXTRA_CA_CERTS: pair.cert })
    expect(asked, server.stderr()).toMatchObject({ status: 428, json: { error: "confirmation_required" } })
    expect(mails).toHaveLength(1)
    const [, code = ""] = /the code is ([0-9]{8})/.exec(mails[0]?.replaceAll("=\r\n", "") ?? "") ?? []
    const headers = { "x-sudo-challenge": String(asked.json.challenge_id), "x-sudo-otp": code }
    await kept(key, path)
    expect(await request(key, "DELETE", path, { headers })).toMatchObject({ status: 200 })
    expect(server.stderr()).not.toContain(PASSWORD)
  }, 60_000)

  it.each([
    ["a certificate that nobody vouches for", {}, PASSWORD],
    ["a password that is not taken", { trusted: true }, "another"]
  ] as const)(
    "go nowhere past %s, and nothing is destroyed",
    async (_, { trusted = false }: { trusted?: boolean }, password) => {
      const { mails, url } = await mailServer(scheme)
      const env: Readonly<Record<string, string>> = trusted ? { NODE_EXTRA_CA_CERTS: pair.cert } : {}
      const { asked, key, path, server } = await asking(url(password), env)
      expect(asked).toMatchObject({ status: 503, json: { error: "uncertain", details: { point: "D21" } } })
      expect(mails).toEqual([])
      expect(asked.text + server.stderr()).not.toContain(password)
      await kept(key, path)
    },
    60_000
  )
})
