/** The contract's section 10, and concurrency of section 12, against the real server: what a key may begin, and have running. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { type Answer, type Ask, answerOf, begin, request, type Target } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { membranesOf, spawnerOf } from "../support/leftovers.js"
import { type Server, startServer } from "../support/server.js"

const args = ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB"]

/** What an operator does whom the API tells so. */
const prepare = () => {
  if (existsSync("/usr/bin/tmux")) return
  execFileSync("apt-get", ["update", "-q"])
  execFileSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", "tmux"])
}

let server: Server
beforeAll(async () => {
  prepare()
  server = await startServer({ pool: 4, args })
}, 240_000)
afterAll(() => server?.stop(), 60_000)

const keyWith = ({ data, url }: Pick<Server, "data" | "url">, ...more: ReadonlyArray<string>): Target => {
  const argv = ["bin/unsandbox.mjs", "keys", "create", "--json", "--data", data, "--confirm", "off", ...more]
  const made: Readonly<Record<string, string>> = JSON.parse(
    execFileSync("node", argv, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  )
  return { url, publicKey: made.public_key ?? "", secretKey: made.secret_key ?? "" }
}

const post = (to: Target, path: string, body: object = {}, more: Ask = {}) =>
  request(to, "POST", path, { body, ...more })
const get = (to: Target, path: string) => request(to, "GET", path)
const execute = (to: Target, path = "/execute") => post(to, path, { language: "bash", code: "echo ok" })
const sleeping = (to: Target) => post(to, "/execute/async", { language: "bash", code: "sleep 60" })

const passed = (answer: Answer): Record<string, unknown> => {
  expect([200, 201, 202], answer.text).toContain(answer.status)
  return answer.json
}

const expectFull = (answer: Answer, active: number, limit: number) => {
  expect(answer.status, answer.text).toBe(429)
  expect(answer.json).toMatchObject({
    error: "concurrency_limit_reached",
    code: "CONCURRENCY_LIMIT_REACHED",
    active_executions: active,
    concurrency_limit: limit,
    details: { point: "D07", certainty: "refused" }
  })
  expect(String(answer.json.message)).toContain(`${active} of ${limit} concurrency slot`)
}

const limitsOf = ({ headers }: Answer) =>
  ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map((name) =>
    headers[name] === undefined ? undefined : Number(headers[name])
  )

describe("the rate of a key", () => {
  it("is told with each request that begins work, and refused with when to come again", async () => {
    const to = keyWith(server, "--rpm", "1", "--burst", "2")
    const before = Math.floor(Date.now() / 1_000)
    const first = await execute(to)
    passed(first)
    const [limit, remaining, reset = 0] = limitsOf(first)
    expect([limit, remaining]).toEqual([1, 1])
    expect(reset).toBeGreaterThanOrEqual(before + 59)
    expect(reset).toBeLessThanOrEqual(before + 70)
    const second = await execute(to, "/execute/async")
    passed(second)
    expect(limitsOf(second)[1]).toBe(0)
    for (const path of ["/execute", "/execute/async", "/sessions", "/services", "/services/unsb-service-0/redeploy"]) {
      const third = await execute(to, path)
      expect(third.status, third.text).toBe(429)
      expect(third.json).toMatchObject({
        error: "rate_limit_exceeded",
        code: "RATE_LIMIT_EXCEEDED",
        details: { point: "D06", certainty: "refused", limit: 1, burst: 2 }
      })
      expect(String(third.json.message)).toMatch(/one request in 60 s, 2 at once\. Try again in \d+ s\./)
      expect(Number(third.headers["retry-after"])).toBeGreaterThan(30)
      expect(limitsOf(third)).toEqual([1, 0, limitsOf(second)[2]])
    }
    for (const path of ["/jobs", "/sessions", "/services"]) {
      const free = await get(to, path)
      expect([free.status, ...limitsOf(free)]).toEqual([200, undefined, undefined, undefined])
    }
    expect((await get(to, "/jobs")).json).toMatchObject({ count: 2 })
  })

  it("of the free tier lists no snapshots, as it takes none", async () => {
    const snapshots = await get(keyWith(server, "--tier", "free"), "/snapshots")
    expect([snapshots.status, snapshots.json.code]).toEqual([403, "TIER_LIMIT"])
    expect(snapshots.json.message).toMatch(/^Snapshots are not available for this key \(tier free\)/)
  })

  it("is told by GET /keys/self, which costs nothing", async () => {
    const to = keyWith(server, "--rpm", "60", "--burst", "5")
    for (let times = 0; times < 3; times += 1)
      expect(limitsOf(await get(to, "/keys/self")).slice(0, 2)).toEqual([60, 5])
    passed(await execute(to))
    expect(limitsOf(await get(to, "/keys/self"))[1]).toBeLessThan(5)
  })

  it("is charged only to those who have proved who they are", async () => {
    const to = keyWith(server, "--rpm", "1", "--burst", "1")
    const forged = await post(to, "/execute", {}, { sign: { signature: "0".repeat(64) } })
    expect([forged.status, ...limitsOf(forged)]).toEqual([401, undefined, undefined, undefined])
    passed(await execute(to))
  })

  it("is its forebears' too", async () => {
    const parent = keyWith(server, "--rpm", "1", "--burst", "2")
    const child = keyWith(server, "--parent", parent.publicKey)
    passed(await execute(child))
    passed(await execute(parent))
    for (const to of [child, parent]) expect((await execute(to)).json).toMatchObject({ error: "rate_limit_exceeded" })
  })
})

describe("the slots of a key", () => {
  it("are its executions', and free before their end is told", async () => {
    const to = keyWith(server, "--concurrency", "1")
    for (let times = 0; times < 5; times += 1) passed(await execute(to))
    const { job_id: job } = passed(await sleeping(to))
    expectFull(await execute(to), 1, 1)
    expectFull(await execute(to, "/execute/async"), 1, 1)
    // What is refused was never a job.
    expect((await get(to, "/jobs")).json).toMatchObject({ count: 6 })
    passed(await request(to, "DELETE", `/jobs/${String(job)}`))
    passed(await execute(to))
  })

  it("are never more than they are, however many come at once", async () => {
    const to = keyWith(server, "--concurrency", "2")
    const all = await Promise.all(Array.from({ length: 12 }, () => sleeping(to)))
    expect(all.map(({ status }) => status).filter((status) => status === 202)).toHaveLength(2)
    for (const answer of all) if (answer.status !== 202) expectFull(answer, 2, 2)
    await Promise.all(
      all.flatMap(({ json, status }) => (status === 202 ? [request(to, "DELETE", `/jobs/${String(json.job_id)}`)] : []))
    )
    passed(await execute(to))
  })

  it("are its sessions' while those run, and one more while boosted", async () => {
    const to = keyWith(server, "--concurrency", "2")
    const { session_id: id } = passed(await post(to, "/sessions", { multiplexer: "tmux" }))
    const act = (verb: string, body: object = {}) => post(to, `/sessions/${String(id)}/${verb}`, body)
    passed(await act("boost", { vcpu: 2 }))
    expectFull(await execute(to), 2, 2)
    // A command in what has its slot takes none.
    expect(passed(await act("execute", { command: "echo in" }))).toMatchObject({ stdout: "in\n" })
    passed(await act("freeze"))
    const jobs = [passed(await sleeping(to)), passed(await sleeping(to))]
    expectFull(await act("unfreeze"), 2, 2)
    expect((await get(to, `/sessions/${String(id)}`)).json).toMatchObject({ status: "frozen" })
    for (const { job_id: job } of jobs) passed(await request(to, "DELETE", `/jobs/${String(job)}`))
    passed(await act("unfreeze"))
    expectFull(await execute(to), 2, 2)
    passed(await act("unboost"))
    passed(await execute(to))
    const { job_id: job } = passed(await sleeping(to))
    expectFull(await act("boost", { vcpu: 2 }), 2, 2)
    expect((await get(to, `/sessions/${String(id)}`)).json).toMatchObject({ boosted: false, vcpu: 1 })
    expectFull(await post(to, "/sessions"), 2, 2)
    passed(await request(to, "DELETE", `/sessions/${String(id)}`))
    passed(await execute(to))
    passed(await request(to, "DELETE", `/jobs/${String(job)}`))
  })

  it("are free again when a session's shell ends, however it does", async () => {
    const to = keyWith(server, "--concurrency", "1")
    for (const command of ["tmux kill-server", "kill -9 -1"]) {
      const { session_id: id } = passed(await post(to, "/sessions", { multiplexer: "tmux" }))
      expectFull(await execute(to), 1, 1)
      await post(to, `/sessions/${String(id)}/execute`, { command })
      await eventually("the slot is free", async () => (await execute(to)).status === 200)
    }
  })

  it("are counted exactly, whatever is done with its sessions in whatever order", async () => {
    const to = keyWith(server, "--concurrency", "3")
    const acts = ["open", "freeze", "unfreeze", "boost", "unboost", "delete", "kill"] as const
    const steps = fc.sample(
      fc.array(fc.record({ who: fc.nat(9), what: fc.constantFrom(...acts) }), { minLength: 1, maxLength: 3 }),
      { seed: 7, numRuns: 25 }
    )
    const made: Array<string> = []
    const does = async ({ what, who }: { readonly what: (typeof acts)[number]; readonly who: number }) => {
      const id = made[who % Math.max(1, made.length)]
      if (what === "open" || id === undefined) {
        const { json, status } = await post(to, "/sessions", { multiplexer: "tmux" })
        if (status === 200) made.push(String(json.session_id))
      } else if (what === "delete") await request(to, "DELETE", `/sessions/${id}`)
      else if (what === "kill") await post(to, `/sessions/${id}/execute`, { command: "kill -9 -1" })
      else await post(to, `/sessions/${id}/${what}`, what === "boost" ? { vcpu: 2 } : {})
    }
    const held = async () => {
      const { sessions } = (await get(to, "/sessions")).json
      return (Array.isArray(sessions) ? sessions : [])
        .filter(({ status }) => status === "running")
        .reduce((sum: number, { boosted }) => sum + (boosted === true ? 2 : 1), 0)
    }
    for (const step of steps) {
      await Promise.all(step.map(does))
      expect(await held()).toBeLessThanOrEqual(3)
    }
    // What was killed last may not have been told yet.
    const free = async () => {
      const jobs = (await Promise.all([1, 2, 3, 4].map(() => sleeping(to)))).filter(({ status }) => status === 202)
      await Promise.all(jobs.map(({ json }) => request(to, "DELETE", `/jobs/${String(json.job_id)}`)))
      return jobs.length
    }
    await eventually("as many are free as are not held", async () => (await free()) === 3 - (await held()))
    for (const id of made) await request(to, "DELETE", `/sessions/${id}`)
    expect(await free()).toBe(3)
  }, 120_000)

  it("are its children's, too", async () => {
    const parent = keyWith(server, "--concurrency", "2")
    const [child, sibling] = [
      keyWith(server, "--parent", parent.publicKey),
      keyWith(server, "--parent", parent.publicKey)
    ]
    const { job_id: first } = passed(await sleeping(child))
    passed(await sleeping(parent))
    for (const to of [parent, child, sibling]) expectFull(await execute(to), 2, 2)
    passed(await request(child, "DELETE", `/jobs/${String(first)}`))
    passed(await execute(sibling))
  })
})

const serving = `exec perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 9, ReuseAddr => 1) or die $!;
  while (my $c = $s->accept) { my $l = <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhello\\n"; close $c }'`

/** As a visitor's browser asks. */
const visit = (url: unknown): Promise<Answer> => {
  const { host, port } = new URL(String(url))
  const sent = begin({ url: `http://127.0.0.1:${port}`, publicKey: "", secretKey: "" }, "GET", "/", { host })
  const answer = answerOf(sent)
  sent.end()
  return answer
}

describe("the slots of a key's services", () => {
  it("are free while those are frozen; neither their owner nor a visitor wakes one without", async () => {
    const to = keyWith(server, "--concurrency", "1")
    const service = { bootstrap: serving, ports: [8080], unfreeze_on_demand: true }
    const { id } = passed(await post(to, "/services", service))
    const state = async () => (await get(to, `/services/${String(id)}`)).json
    const becomes = (wanted: string) => eventually(`it is ${wanted}`, async () => (await state()).state === wanted)
    const act = (verb: string, body: object = {}) => post(to, `/services/${String(id)}/${verb}`, body)
    await becomes("running")
    expectFull(await post(to, "/services", service), 1, 1)
    expectFull(await execute(to), 1, 1)
    passed(await act("execute", { command: "true" }))
    passed(await act("redeploy"))
    await becomes("running")
    passed(await act("freeze"))
    const { job_id: job } = passed(await sleeping(to))
    expectFull(await act("unfreeze"), 1, 1)
    // Signed a second later: the same words of the same second would be a replay.
    const timestamp = Math.floor(Date.now() / 1_000) + 2
    const path = `/services/${String(id)}/redeploy`
    expectFull(await post(to, path, {}, { sign: { timestamp } }), 1, 1)
    const visited = await visit((await state()).url)
    expect([visited.status, visited.text]).toEqual([503, expect.stringContaining("1 of 1 concurrency slot in use")])
    expect(await state()).toMatchObject({ state: "frozen" })
    passed(await request(to, "DELETE", `/jobs/${String(job)}`))
    expect(await visit((await state()).url)).toMatchObject({ status: 200, text: "hello\n" })
    expectFull(await execute(to), 1, 1)
    passed(await request(to, "DELETE", `/services/${String(id)}`))
    passed(await execute(to))
  })
})

it("what has been used and what runs is known to the next server, after kill -9 as after a stop", async () => {
  const data = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
  onTestFinished(async () => {
    const left = spawnerOf(data)
    if (left !== undefined) process.kill(left, "SIGTERM")
    await eventually("nothing is left", () => membranesOf(data).length === 0)
    rmSync(data, { recursive: true, force: true })
  })
  let here = await startServer({ data, pool: 2, args })
  onTestFinished(() => here.stop())
  const slow = keyWith(here, "--rpm", "1", "--burst", "2")
  const narrow = keyWith(here, "--concurrency", "3")
  const at = (to: Target): Target => ({ ...to, url: here.url })
  for (let times = 0; times < 2; times += 1) passed(await execute(slow))
  passed(await post(narrow, "/services", { bootstrap: "sleep 600" }))
  const { session_id: id } = passed(await post(narrow, "/sessions", { multiplexer: "tmux" }))
  passed(await post(narrow, `/sessions/${String(id)}/boost`, { vcpu: 2 }))
  for (const how of ["kill", "stop"] as const) {
    expectFull(await execute(at(narrow)), 3, 3)
    await (how === "kill" ? here.kill() : here.stop())
    here = await startServer({ data, pool: 2, args })
    expect((await execute(at(slow))).json).toMatchObject({ error: "rate_limit_exceeded" })
    expectFull(await execute(at(narrow)), 3, 3)
    passed(await get(at(narrow), "/sessions"))
  }
  passed(await post(at(narrow), `/sessions/${String(id)}/freeze`))
  passed(await execute(at(narrow)))
  passed(await request(at(narrow), "DELETE", `/sessions/${String(id)}`))
}, 120_000)
