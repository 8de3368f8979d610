/** What a key owns while the key is not good: held where it is, woken by nobody, and in nobody's way. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Answer, answerOf, begin, request, type Target } from "../support/client.js"
import { json } from "../support/command.js"
import { eventually } from "../support/eventually.js"
import { anotherKey } from "../support/keys.js"
import { type Server, serverForTest, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 3, args: ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB"] })
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const serving = `exec perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 9, ReuseAddr => 1) or die $!;
  while (my $c = $s->accept) { my $l = <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhello\\n"; close $c }'`
const order = { bootstrap: serving, ports: [8080], unfreeze_on_demand: true }

const keyWith = async (...more: ReadonlyArray<string>): Promise<Target> => {
  const made = await json("keys", "create", "--confirm", "off", "--data", server.data, ...more)
  return { url: server.url, publicKey: made.public_key, secretKey: made.secret_key }
}
const operator = (verb: string, { publicKey }: Target) => json("keys", verb, publicKey, "--data", server.data)

const post = (to: Target, path: string, body: object = {}) => request(to, "POST", path, { body })
const get = async (to: Target, path: string) => (await request(to, "GET", path)).json

const passed = (answer: Answer): Record<string, unknown> => {
  expect(answer.status, answer.text).toBeLessThan(300)
  return answer.json
}

const visit = (url: unknown): Promise<Answer> => {
  const { host, port } = new URL(String(url))
  const sent = begin({ url: `http://127.0.0.1:${port}`, publicKey: "", secretKey: "" }, "GET", "/", { host })
  const answer = answerOf(sent)
  sent.end()
  return answer
}

/** It runs and answers its visitors. */
const servedBy = async (to: Target) => {
  const path = `/services/${String(passed(await post(to, "/services", order)).id)}`
  await eventually(`${path} runs`, async () => (await get(to, path)).state === "running", 60_000)
  const { url } = await get(to, path)
  await eventually("it answers", async () => (await visit(url)).text === "hello\n")
  return { path, url }
}

const falls = (url: unknown) => eventually("nobody answers", async () => (await visit(url)).status === 503, 15_000)

describe("what a suspended key owns", () => {
  it("is held until the key is resumed and its owner wants it to run", async () => {
    const to = await keyWith()
    const { path, url } = await servedBy(to)
    const session = `/sessions/${String(passed(await post(to, "/sessions", { shell: "bash" })).id)}`
    await operator("suspend", to)
    await falls(url)
    await operator("resume", to)
    const held = { frozen_cause: "key", reason: expect.stringContaining("Its key is suspended") }
    expect(await get(to, path)).toMatchObject({ state: "frozen", ...held })
    expect(await get(to, session)).toMatchObject({ status: "frozen", ...held })
    // Only its owner thaws what is held, whatever visitors may.
    expect((await visit(url)).status).toBe(503)
    expect(await get(to, path)).toMatchObject({ state: "frozen" })
    for (const one of [path, session]) {
      passed(await post(to, `${one}/unfreeze`))
      expect(await get(to, one)).toMatchObject({ status: "running" })
      expect(await get(to, one)).not.toHaveProperty("frozen_cause")
    }
    expect(await visit(url)).toMatchObject({ status: 200, text: "hello\n" })
  }, 120_000)

  it("is not woken by a visitor when it was at rest already", async () => {
    const to = await keyWith()
    const { path, url } = await servedBy(to)
    passed(await post(to, `${path}/freeze`))
    await operator("suspend", to)
    const visited = await visit(url)
    expect([visited.status, visited.text]).toEqual([503, expect.stringContaining("key is not active")])
    await operator("resume", to)
    expect(await get(to, path)).toMatchObject({ state: "frozen" })
    // It was frozen on request, so a visitor may wake it again.
    expect(await visit(url)).toMatchObject({ status: 200, text: "hello\n" })
  }, 120_000)
})

describe("what a revoked key owns", () => {
  it("gives the slot of its parent back", async () => {
    const parent = await keyWith("--concurrency", "1")
    const child = await keyWith("--parent", parent.publicKey)
    const { url } = await servedBy(child)
    const full = await post(parent, "/services", order)
    expect([full.status, full.json.error], full.text).toEqual([429, "concurrency_limit_reached"])
    await operator("revoke", child)
    await falls(url)
    const { path } = await servedBy(parent)
    expect(await get(parent, path)).toMatchObject({ state: "running" })
    expect((await visit(url)).status).toBe(503)
  }, 120_000)
})

describe("what was sent for a key", () => {
  it("is evicted when the key is good no longer, whether it waits or runs; others' go on", async () => {
    const small = await serverForTest({ pool: "1:3" })
    const [to, other] = [anotherKey(small), anotherKey(small)]
    const begin = async (as: Target, code: string) =>
      String(passed(await post(as, "/execute/async", { language: "bash", code })).job_id)
    const stateOf = (as: Target) => (job: string) => get(as, `/jobs/${job}`)
    const beside = await begin(other, "sleep 15; echo done")
    const jobs = await Promise.all(Array.from({ length: 6 }, () => begin(to, "echo begun; sleep 600")))
    const told = () => Promise.all(jobs.map(stateOf(to)))
    await eventually("two run", async () => (await told()).filter(({ status }) => status === "running").length === 2)
    await json("keys", "suspend", to.publicKey, "--data", small.data)
    const left = async () => Number((await get(other, "/stats")).active_jobs)
    await eventually("those of others are left", async () => (await left()) === 1)
    await json("keys", "resume", to.publicKey, "--data", small.data)
    const ends = await told()
    for (const end of ends) expect(end).toMatchObject({ status: "failed", cause: "evicted", success: false })
    expect(ends.map(({ stdout }) => stdout).sort()).toEqual(["", "", "", "", "begun\n", "begun\n"])
    expect(ends.map(({ error }) => error)).toEqual(ends.map(() => `its key ${to.publicKey} is suspended`))
    await eventually("another's has ended", async () => (await stateOf(other)(beside)).status === "completed")
    expect(await stateOf(other)(beside)).toMatchObject({ stdout: "done\n" })
  }, 120_000)
})

describe("what an expired key owns", () => {
  it("is held as well", async () => {
    const to = await keyWith("--expires", "20s")
    const { path, url } = await servedBy(to)
    await eventually("its key is over", async () => (await request(to, "GET", path)).status === 401, 30_000)
    await falls(url)
    await json("keys", "extend", to.publicKey, "--expires", "1h", "--data", server.data)
    expect(await get(to, path)).toMatchObject({ state: "frozen", frozen_cause: "key" })
  }, 120_000)
})
