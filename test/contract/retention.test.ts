/** Jobs are forgotten once they ended long enough ago: to the API they have never been; the log keeps them. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { type Server, serverForTest } from "../support/server.js"

const body = { language: "bash", code: "echo once" }
const headers = { "idempotency-key": "order-7" }

const unsandbox = (...words: ReadonlyArray<string>) =>
  JSON.parse(execFileSync("node", ["bin/unsandbox.mjs", ...words, "--json"], { encoding: "utf8" }))

const statusOf = async (server: Server, job: unknown) => (await request(server, "GET", `/jobs/${String(job)}`)).status

it("a job past --job-retention answers 404 on every path, and stays forgotten when more is kept again", async () => {
  const data = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))

  const first = await serverForTest({ data, pool: 1 })
  const { job_id: job, stdout } = (await request(first, "POST", "/execute", { body, headers })).json
  expect(stdout).toBe("once\n")
  expect(await statusOf(first, job)).toBe(200)
  await first.stop()

  const second = await serverForTest({ data, pool: 1, args: ["--job-retention", "1ms"] })
  await eventually("the job is forgotten", async () => (await statusOf(second, job)) === 404)
  const never = await request(second, "GET", "/jobs/unsb-job-00000000000000000000000000000000")
  for (const [method, suffix] of [
    ["GET", ""],
    ["GET", "/wait"],
    ["DELETE", ""],
    ["POST", "/cancel"]
  ] as const) {
    const answer = await request(second, method, `/jobs/${String(job)}${suffix}`)
    expect([answer.status, answer.json]).toEqual([404, never.json])
  }
  expect((await request(second, "GET", "/jobs")).json).toEqual({ jobs: [], count: 0 })
  expect((await request(second, "GET", "/stats")).json).toMatchObject({ totals: { "job.completed": 1 } })
  const anew = await request(second, "POST", "/execute", { body, headers })
  expect(anew.json).toMatchObject({ stdout: "once\n" })
  expect(anew.json.job_id).not.toBe(job)
  await second.stop()

  const third = await serverForTest({ data, pool: 1 })
  expect(await statusOf(third, job)).toBe(404)
  await third.stop()
  const told = unsandbox("events", "show", `job/${String(job)}`, "--data", data)
  expect(JSON.stringify(told)).toContain("JobFinished")
  expect(unsandbox("verify", "--data", data)).toMatchObject({ ok: true })
}, 60_000)
