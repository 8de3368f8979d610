/** Verifies the 428 flow as clients and operators go through it: asked, shown on the console, given once, and kept across a restart. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { request as ask } from "../support/client.js"
import { type Server, startServer } from "../support/server.js"

const data = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
let server: Server
const start = () => startServer({ pool: 1, data, confirm: "on" })

beforeAll(async () => {
  server = await start()
})
afterAll(async () => {
  await server.stop()
  rmSync(data, { recursive: true, force: true })
})

const service = async (name: string) => {
  const made = await ask(server, "POST", "/services", { body: { name, ports: [8000], bootstrap: "sleep 1000" } })
  return String(made.json.service_id)
}

interface Waiting {
  readonly challenge_id: string
  readonly code: string | null
  readonly action: string
}

/** As the operator of the server sees it. */
const waiting = (): ReadonlyArray<Waiting> =>
  JSON.parse(execFileSync("node", ["bin/unsandbox.mjs", "otp", "--json", "--data", data], { encoding: "utf8" }))
    .confirmations

const answer = (challenge: unknown, code: string) => ({
  headers: { "x-sudo-challenge": String(challenge), "x-sudo-otp": code }
})

describe("destroying a service", () => {
  it("waits for the code that is on the server's console, and takes it once", async () => {
    const id = await service("shop")
    const asked = await ask(server, "DELETE", `/services/${id}`)
    expect(asked).toMatchObject({
      status: 428,
      json: {
        error: "confirmation_required",
        message: expect.stringContaining("X-Sudo-OTP"),
        challenge_id: expect.stringMatching(/^unsb-challenge-/),
        expires_in: expect.any(Number)
      }
    })
    const { action, code } = waiting().find((one) => one.challenge_id === asked.json.challenge_id) ?? {
      action: "",
      code: ""
    }
    expect(action).toBe(`destroy service ${id}`)
    expect(server.stderr()).toContain(`Code ${code} for ${asked.json.challenge_id}`)
    const wrong = await ask(server, "DELETE", `/services/${id}`, answer(asked.json.challenge_id, "00000000"))
    expect(wrong).toMatchObject({
      status: 403,
      json: { error: "invalid_otp", details: { attempts_left: 4, point: "D21" } }
    })
    const other = await ask(server, "POST", `/services/${id}/unlock`, answer(asked.json.challenge_id, code ?? ""))
    expect(other.status).toBe(403)
    const done = await ask(server, "DELETE", `/services/${id}`, answer(asked.json.challenge_id, code ?? ""))
    expect(done.status).toBe(200)
    const another = await service("shop2")
    const again = await ask(server, "DELETE", `/services/${another}`, answer(asked.json.challenge_id, code ?? ""))
    expect(again).toMatchObject({ status: 403, json: { error: "challenge_mismatch" } })
  })

  it("goes on after a restart for whoever has the code", async () => {
    const id = await service("shop3")
    const asked = await ask(server, "DELETE", `/services/${id}`)
    const { code } = waiting().find((one) => one.challenge_id === asked.json.challenge_id) ?? { code: "" }
    await server.stop()
    server = await start()
    expect(waiting()).toContainEqual(expect.objectContaining({ challenge_id: asked.json.challenge_id, code: null }))
    const done = await ask(server, "DELETE", `/services/${id}`, answer(asked.json.challenge_id, code ?? ""))
    expect(done.status).toBe(200)
  })
})
