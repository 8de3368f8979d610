/** More than was granted: in parallel, by other routes, with children, by leaving early, and across a kill of the server. */
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { answerOf, begin, bytesOf, credentials, request, type Target } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { anotherKey } from "../support/keys.js"
import { serverForTest } from "../support/server.js"

const begun = (key: Target, code: string) =>
  request(key, "POST", "/execute/async", { body: { language: "bash", code } })

/** As many from each. */
const among = (keys: ReadonlyArray<Target>, count: number, code = "true") =>
  Promise.all(keys.flatMap((key) => Array.from({ length: count / keys.length }, () => begun(key, code))))

const accepted = (answers: Awaited<ReturnType<typeof among>>) => answers.filter(({ status }) => status === 202)

it("a burst is one burst, for a key and its children together, and is not given anew after a kill", async () => {
  const server = await serverForTest({ pool: 1 })
  const key = anotherKey(server, "--rpm", "1", "--burst", "5")
  const children = [1, 2].map(() => anotherKey(server, "--parent", key.publicKey))
  expect(accepted(await among([key, ...children], 30)).length).toBe(5)
  for (const path of [
    "/execute",
    "/execute?a=1",
    "/run",
    "/run/async",
    "/sessions",
    "/services",
    "/images",
    "/snapshots"
  ])
    expect((await request(key, "POST", path, { body: {} })).status).toBe(429)
  await server.kill("SIGKILL")
  const next = await serverForTest({ pool: 1, data: server.data })
  const again = [key, ...children].map((one) => ({ ...one, url: next.url }))
  expect(accepted(await among(again, 6)).length).toBeLessThanOrEqual(1)
}, 90_000)

it("slots are never more than there are, and all come back from what was cancelled, cut off or failed", async () => {
  const server = await serverForTest({ pool: "2:8" })
  const key = anotherKey(server, "--concurrency", "2")
  const first = accepted(await among([key], 12, "sleep 30"))
  expect(first.length).toBe(2)
  for (const { json } of first) await request(key, "DELETE", `/jobs/${String(json.job_id)}`)
  for (let turn = 0; turn < 4; turn += 1) {
    const body = bytesOf({ language: "bash", code: "sleep 1" })
    const headers = { ...credentials(key, "POST", "/execute", body), "content-length": String(body.length) }
    const sent = begin(key, "POST", "/execute", headers)
    answerOf(sent).catch(() => undefined)
    sent.end(body)
    await sleep(50 + turn * 30)
    sent.destroy()
  }
  await request(key, "POST", "/execute", { body: { language: "bash", code: "exit 3" } })
  await request(key, "POST", "/execute", { body: { language: "nonsense", code: "" } })
  await eventually("all slots are back", async () => {
    const taken = accepted(await among([key], 6, "sleep 30"))
    expect(taken.length).toBeLessThanOrEqual(2)
    // Else this round's would be in the way of the next.
    for (const { json } of taken) await request(key, "DELETE", `/jobs/${String(json.job_id)}`)
    return taken.length === 2
  })
}, 90_000)

it("of many who want the last place, as many as there are places get one, and none is refused for those who are", async () => {
  const server = await serverForTest({ pool: 1, args: ["--memory-per-vcpu", "64MiB"] })
  const key = anotherKey(server, "--services", "2")
  const child = anotherKey(server, "--parent", key.publicKey)
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => request(n % 2 === 0 ? key : child, "POST", "/services", { body: {} }))
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, ...Array.from({ length: 8 }, () => 403)])
  expect(answers.find(({ status }) => status === 403)?.json).toMatchObject({ error: "quota_exceeded" })
}, 60_000)
