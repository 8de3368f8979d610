/** Destroying without leave: a captured request sent again in other words, and a code used twice, elsewhere or guessed. */
import { execFileSync } from "node:child_process"
import { expect, it } from "vitest"
import { type Answer, request, type Sign, type Target } from "../support/client.js"
import { anotherKey } from "../support/keys.js"
import { type Server, serverForTest } from "../support/server.js"

const now = () => Math.floor(Date.now() / 1_000)

const service = async (key: Target): Promise<string> => {
  const { json, status } = await request(key, "POST", "/services", { body: { bootstrap: "sleep 600" } })
  expect(status).toBe(201)
  return `/services/${String(json.id)}`
}

const error = ({ json, status }: Answer) => `${status} ${String(json.error ?? "")}`.trim()

const codeOf = ({ data }: Server, challenge: unknown): string => {
  const told: { readonly confirmations: ReadonlyArray<Readonly<Record<string, unknown>>> } = JSON.parse(
    execFileSync("node", ["bin/unsandbox.mjs", "otp", "--json", "--data", data], { encoding: "utf8" })
  )
  return String(told.confirmations.find(({ challenge_id }) => challenge_id === challenge)?.code)
}

it("a captured request acts once, however it is spelled, and also after a kill", async () => {
  const server = await serverForTest({ pool: 2 })
  const [path, timestamp] = [`${await service(server)}/env`, now()]
  const again = (to: Target, sent: string, sign: Sign = {}, more = {}) =>
    request(to, "DELETE", sent, { sign: { timestamp, path, ...sign }, ...more }).then(error)
  expect(await again(server, path)).toBe("200")
  for (const query of ["", "?", "?a=1"]) expect(await again(server, `${path}${query}`)).toBe("409 replayed")
  expect(await again(server, path, { body: "" }, { body: "{}" })).toBe("409 replayed")
  for (const other of [`${path}/`, path.replace("-", "%2d")])
    expect(await again(server, other)).toBe("401 invalid_signature")
  expect(await again(server, path, {}, { headers: { "x-http-method-override": "GET" } })).toBe("409 replayed")
  await server.kill("SIGKILL")
  const next = await serverForTest({ pool: 2, data: server.data })
  expect(await again({ ...server, url: next.url }, path)).toBe("409 replayed")
}, 90_000)

it("one code destroys one thing, once, for whom and in the words that it was asked for", async () => {
  const server = await serverForTest({ pool: 2 })
  const [key, other] = [anotherKey(server, "--confirm", "on"), anotherKey(server, "--confirm", "on")]
  const path = await service(key)
  const { json, status } = await request(key, "DELETE", path)
  expect(status).toBe(428)
  const challenge = String(json.challenge_id)
  const headers = { "x-sudo-challenge": challenge, "x-sudo-otp": codeOf(server, challenge) }
  expect(error(await request(other, "DELETE", path, { headers }))).toBe("404 not_found")
  expect(error(await request(key, "POST", `${path}/unlock`, { headers }))).toBe("403 challenge_mismatch")
  expect(error(await request(key, "DELETE", `${path}?a=1`, { headers }))).toBe("403 challenge_mismatch")
  expect(error(await request(key, "DELETE", path, { headers, body: "{}" }))).toBe("403 challenge_mismatch")
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, at) => request(key, "DELETE", path, { headers, sign: { timestamp: now() + at } }))
  )
  expect(all.filter(({ status }) => status === 200).length).toBe(1)
}, 60_000)

it("codes are not to be guessed: five for a challenge, twenty a day for a key", async () => {
  const server = await serverForTest({ pool: 2 })
  const key = anotherKey(server, "--confirm", "on")
  const path = await service(key)
  let wrong = 0
  for (let turn = 0; turn < 6; turn += 1) {
    const { json } = await request(key, "DELETE", path)
    const guesses = Array.from({ length: 10 }, (_, at) =>
      request(key, "DELETE", path, {
        headers: { "x-sudo-challenge": String(json.challenge_id), "x-sudo-otp": `1000000${at}` },
        sign: { timestamp: now() + at }
      })
    )
    wrong += (await Promise.all(guesses)).filter(({ json }) => json.error === "invalid_otp").length
  }
  expect(wrong).toBeLessThanOrEqual(20)
  expect(error(await request(key, "DELETE", path))).toBe("429 too_many_misses")
}, 60_000)
