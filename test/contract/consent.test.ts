/** What cannot be undone: done once for each signature, by people where their key says so, and with its proofs in the log. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Ask, answerOf, begin, bytesOf, credentials, request, type Target } from "../support/client.js"
import { anotherKey } from "../support/keys.js"
import { type Server, startServer } from "../support/server.js"

const data = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
let server: Server
const start = async () => {
  server = await startServer({ pool: 2, data, args: ["--memory-per-vcpu", "128MiB", "--reserve", "256MiB"] })
}
beforeAll(start, 60_000)
afterAll(async () => {
  await server?.stop()
  rmSync(data, { recursive: true, force: true })
}, 60_000)

/** At another moment each time: what is signed alike is the same request. */
let moment = Math.floor(Date.now() / 1_000) - 200
const ask = (method: string, path: string, more: Ask = {}, to: Target = server) =>
  request(to, method, path, { ...more, sign: { timestamp: moment++ } })

const session = async (to: Target = server) => String((await ask("POST", "/sessions", { body: {} }, to)).json.id)

interface Shown {
  readonly type: string
  readonly data: { readonly evidence: ReadonlyArray<{ readonly point: string; readonly facts: object }> }
}

const eventsOf = (stream: string): ReadonlyArray<Shown> =>
  JSON.parse(
    execFileSync("node", ["bin/unsandbox.mjs", "events", "show", stream, "--json", "--data", data], {
      encoding: "utf8"
    })
  ).events

describe("a request that was acted on", () => {
  it("is not acted on again, whoever sends it, also by the next server", async () => {
    const id = await session()
    const sign = { timestamp: moment++ }
    const unlock = (query = "") =>
      request(server, "POST", `/sessions/${id}/unlock${query}`, { sign: { ...sign, path: `/sessions/${id}/unlock` } })
    await ask("POST", `/sessions/${id}/lock`)
    expect((await unlock()).status).toBe(200)
    await ask("POST", `/sessions/${id}/lock`)
    const replayed = { status: 409, json: { error: "replayed", details: { point: "D05", certainty: "refused" } } }
    expect(await unlock()).toMatchObject(replayed)
    // The query is not always signed, so it does not make another request of it.
    expect(await unlock("?again=1")).toMatchObject(replayed)
    expect((await ask("GET", `/sessions/${id}`)).json.locked).toBe(true)
    const image = async (name: string) => {
      const other = await session()
      const snapshot = String((await ask("POST", "/snapshots", { body: { session_id: other } })).json.id)
      return String(
        (await ask("POST", "/images", { body: { source_type: "snapshot", source_id: snapshot, name } })).json.id
      )
    }
    const kept = await image("kept")
    const guest = anotherKey(server).publicKey
    const grant = { timestamp: moment++ }
    const granted = () => request(server, "POST", `/images/${kept}/grant`, { body: { api_key: guest }, sign: grant })
    expect((await granted()).status).toBe(200)
    await ask("POST", `/images/${kept}/revoke`, { body: { api_key: guest } })
    await server.kill("SIGKILL")
    await start()
    expect(await granted()).toMatchObject(replayed)
    expect((await ask("GET", `/images/${kept}/trusted`)).json.trusted).toEqual([])
  })

  it("of many at once is acted on once", async () => {
    const id = await session()
    await ask("POST", `/sessions/${id}/lock`)
    const sign = { timestamp: moment++ }
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => request(server, "POST", `/sessions/${id}/unlock`, { sign }))
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 11 }, () => 409)])
  })
})

describe("what was destroyed", () => {
  it("tells on which proofs", async () => {
    const id = await session()
    expect((await ask("DELETE", `/sessions/${id}`)).status).toBe(200)
    const evidence = eventsOf(`session/${id}`).find(({ type }) => type === "SessionEnded")?.data.evidence ?? []
    const points = evidence.map(({ point }) => point).sort()
    expect(points).toEqual(["D01", "D02", "D03", "D04", "D05", "D17", "D19", "D20", "D21"])
    const facts = (point: string) => evidence.find((one) => one.point === point)?.facts
    expect(facts("D17")).toMatchObject({
      kind: "session",
      actor: server.publicKey,
      owner: server.publicKey,
      resource: id
    })
    expect(facts("D21")).toMatchObject({ mode: "waived", method: "DELETE", path: `/sessions/${id}`, challenge: null })
    expect(JSON.stringify(evidence)).not.toContain(server.secretKey)
  })
})

describe("a key that always asks", () => {
  it("asks for the ends of sessions, redeploys and emptied vaults, too, and is obeyed by nobody without an answer", async () => {
    // A child is asked no less than its parent, whatever it was made with.
    const parent = anotherKey(server, "--confirm", "always").publicKey
    const careful = anotherKey(server, "--parent", parent, "--confirm", "off")
    const id = await session(careful)
    const made = await ask("POST", "/services", { body: { bootstrap: "sleep 1000" } }, careful)
    const service = `/services/${String(made.json.id)}`
    for (const [method, path] of [
      ["DELETE", `/sessions/${id}`],
      ["POST", `${service}/redeploy`],
      ["DELETE", `${service}/env`],
      ["DELETE", service],
      ["POST", `${service}/unlock`]
    ] as const)
      expect(await ask(method, path, {}, careful), path).toMatchObject({
        status: 428,
        json: { error: "confirmation_required", challenge_id: expect.any(String), expires_in: expect.any(Number) }
      })
    expect((await ask("PUT", `${service}/env`, { body: { A: "1" } }, careful)).status).toBe(200)
    expect((await ask("PUT", `${service}/env`, { body: { B: "1" } }, careful)).status).toBe(428)
    expect((await ask("GET", `/sessions/${id}`, {}, careful)).json.status).toBe("running")
    expect((await ask("GET", service, {}, careful)).status).toBe(200)
  })
})

const operator = (...words: ReadonlyArray<string>) =>
  execFileSync("node", ["bin/unsandbox.mjs", "keys", ...words, "--data", data], { encoding: "utf8" })

describe("a key that is no longer good", () => {
  it("destroys nothing with a request that it began before", async () => {
    for (const [verb, status] of [
      ["suspend", 403],
      ["revoke", 401]
    ] as const) {
      const key = anotherKey(server)
      const id = await session(key)
      const body = bytesOf({ really: true })
      const headers = { ...credentials(key, "DELETE", `/sessions/${id}`, body), "content-length": String(body.length) }
      const sent = begin(key, "DELETE", `/sessions/${id}`, headers)
      const answer = answerOf(sent)
      sent.write(body.subarray(0, -1))
      operator(verb, key.publicKey)
      sent.end(body.subarray(-1))
      expect((await answer).status, verb).toBe(status)
      expect(eventsOf(`session/${id}`).map(({ type }) => type)).not.toContain("SessionEnded")
    }
  })

  it("is given nothing: it would be lost", async () => {
    const gone = anotherKey(server)
    operator("revoke", gone.publicKey)
    const snapshot = String((await ask("POST", "/snapshots", { body: { session_id: await session() } })).json.id)
    const image = (
      await ask("POST", "/images", { body: { source_type: "snapshot", source_id: snapshot, name: "mine" } })
    ).json
    const given = await ask("POST", `/images/${String(image.id)}/transfer`, { body: { to_api_key: gone.publicKey } })
    expect(given).toMatchObject({ status: 400, json: { error: "unknown_key" } })
  })
})
