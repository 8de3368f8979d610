/** The contract's section 6, with sections 1.3, 11 and 12 as far as services go, against the real server and real containers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Answer, type Ask, credentials, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { kill, membranesOf, spawnerOf } from "../support/leftovers.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 3, args: ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB"] })
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const ask = (method: string, path: string, more: Ask = {}) => request(server, method, path, more)
const get = (id: unknown) => ask("GET", `/services/${String(id)}`)
const act = (id: unknown, verb: string, body: object = {}) => ask("POST", `/services/${String(id)}/${verb}`, { body })
const remove = (id: unknown) => ask("DELETE", `/services/${String(id)}`)

const counting = `#!/bin/bash
echo "first start of $SERVICE_NAME on $PORT"
echo run >> /srv/runs
exec perl -MIO::Socket::INET -e '
  $| = 1; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 9, ReuseAddr => 1) or die $!;
  print "listening\\n";
  while (my $c = $s->accept) { my $l = <$c>; print "asked\\n"; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhello $ENV{GREETING}\\n"; close $c }'
`
const fetching = (port: number) =>
  `perl -MIO::Socket::INET -e '$c = IO::Socket::INET->new("127.0.0.1:${port}") or die $!; print $c "GET / HTTP/1.0\\r\\n\\r\\n"; print while <$c>'`

const made = async (body: object): Promise<Answer> => {
  const answer = await ask("POST", "/services", { body })
  expect(answer.status, answer.text).toBe(201)
  return answer
}

const becomes = async (id: unknown, state: string, within?: number): Promise<Answer> => {
  let last = await get(id)
  await eventually(
    `${String(id)} is ${state}`,
    async () => {
      last = await get(id)
      return last.json.state === state
    },
    within
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${last.text}`)
  })
  return last
}

const runs = async (id: unknown, command: string, more: object = {}, headers = {}): Promise<Answer> =>
  ask("POST", `/services/${String(id)}/execute`, { body: { command, ...more }, headers })

const keys = [
  ...[
    "id",
    "service_id",
    "name",
    "state",
    "status",
    "container_name",
    "network_mode",
    "ports",
    "domains",
    "custom_domains"
  ],
  ...["vcpu", "memory_mb", "locked", "unfreeze_on_demand", "show_freeze_page", "url", "disk_used", "created_at"]
]

describe("a service", () => {
  let id: unknown

  it("is made, starts, and is told with the superset of keys", async () => {
    const content = Buffer.from("file text\n").toString("base64")
    const answer = await made({
      name: "shop",
      ports: [8080],
      bootstrap_content: counting,
      env: { GREETING: "there" },
      input_files: [{ filename: "sub/a.txt", content_base64: content }]
    })
    id = answer.json.id
    expect(answer.json).toMatchObject({
      service_id: id,
      name: "shop",
      state: "starting",
      status: "starting",
      ports: [8080]
    })
    expect(String(id)).toMatch(/^unsb-service-[0-9a-f]{16}$/)
    for (const key of keys) expect(answer.json, key).toHaveProperty(key)
    expect(answer.text).not.toMatch(/:null|": /)
    const running = await becomes(id, "running")
    expect(running.json.container_name).toMatch(/^unsb-vm-/)
    expect(running.json).toMatchObject({
      network_mode: "zerotrust",
      vcpu: 1,
      memory_mb: 256,
      locked: false,
      has_vault: true
    })
    expect(running.json.url).toMatch(/^https?:\/\/shop\.on\.localhost/)
  })

  it("is listed to its owner", async () => {
    const answer = await ask("GET", "/services")
    expect(answer.json).toMatchObject({ count: 1, services: [{ id, service_id: id, name: "shop" }] })
  })

  it("runs its bootstrap, whose output is its log", async () => {
    await eventually("it listens", async () =>
      String((await ask("GET", `/services/${String(id)}/logs`)).json.log).includes("listening")
    )
    const answer = await ask("GET", `/services/${String(id)}/logs?all=true`)
    expect(answer.json.log).toBe("first start of shop on 8080\nlistening\n")
    expect(answer.json.logs).toBe(answer.json.log)
    const tail = await ask("GET", `/services/${String(id)}/logs?lines=1`)
    expect(tail.json).toMatchObject({ log: "listening\n", lines: 1 })
  })

  it("executes: 202 for the program, 200 for the library, and either way a job", async () => {
    const answer = await runs(id, `${fetching(8080)}; echo oops >&2; exit 3`)
    expect(answer.status, answer.text).toBe(202)
    expect(answer.json).toMatchObject({ status: "failed", exit_code: 3, stderr: "oops\n", language: "shell" })
    expect(answer.json.stdout).toContain("hello there")
    const job = await ask("GET", `/jobs/${String(answer.json.job_id)}`)
    expect(job.json).toMatchObject({ status: "failed", exit_code: 3, stderr: "oops\n" })
    const library = await runs(
      id,
      "cat /tmp/input/sub/a.txt /tmp/bootstrap.sh; echo $GREETING",
      {},
      { "user-agent": "un-cli/2.0" }
    )
    expect(library.status).toBe(200)
    expect(library.json).toMatchObject({ status: "completed", success: true })
    expect(library.json.stdout).toBe(`file text\n${counting}there\n`)
  })

  it("executes with files, and ends what takes too long without ending the service", async () => {
    const content = Buffer.from("more\n").toString("base64")
    const answer = await runs(id, "cat /tmp/input/b.txt; sleep 60", {
      timeout: 250,
      input_files: [{ filename: "b.txt", content }]
    })
    expect(answer.json).toMatchObject({ stdout: "more\n", status: "timeout", exit_code: 124 })
    expect((await get(id)).json.state).toBe("running")
    expect((await runs(id, fetching(8080))).json.stdout).toContain("hello there")
  })

  it("follows its log as server-sent events", async () => {
    const lines: Array<string> = []
    const path = `/services/${String(id)}/logs?follow=true`
    const answer = await fetch(`${server.url}${path}`, {
      headers: { ...credentials(server, "GET", path, Buffer.alloc(0)), accept: "text/event-stream" }
    })
    expect(answer.headers.get("content-type")).toContain("text/event-stream")
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    const seen = async (wanted: string) => {
      while (!lines.join("").includes(wanted)) {
        const next = await reader?.read()
        if (next === undefined || next.done) throw new Error("the log ended")
        lines.push(next.value)
      }
    }
    await seen('"line":"listening"')
    await runs(id, `echo straight into the log > /proc/$(pgrep -o perl)/fd/1; ${fetching(8080)}`)
    await seen("straight into the log")
    await reader?.cancel()
  })

  it("keeps a vault whose values only its owner reads, on asking", async () => {
    const path = `/services/${String(id)}/env`
    const status = await ask("GET", path)
    expect(status.json).toMatchObject({
      has_vault: true,
      exists: true,
      count: 1,
      variable_count: 1,
      names: ["GREETING"],
      env: {}
    })
    expect(Number.isInteger(status.json.updated_at)).toBe(true)
    const text = 'GREETING=hello\nTOKEN="a b\\nc" \n# no\nexport EMPTY=\n'
    const put = await ask("PUT", path, { body: text, headers: { "content-type": "text/plain" } })
    expect(put.json, put.text).toMatchObject({ count: 3, success: true })
    const exported = await ask("POST", `${path}/export`)
    expect(exported.json).toMatchObject({ env: 'GREETING=hello\nTOKEN="a b\\nc"\nEMPTY=""\n', count: 3 })
    expect(exported.json.content).toBe(exported.json.env)
    expect((await ask("GET", `${path}?format=export`)).json).toEqual(exported.json)
    for (const body of [
      { env: "A=1\nB=2" },
      { A: "1", B: "2" },
      { env: { A: "1", B: "2" } },
      { content: "A=1\nB=2\n" }
    ])
      expect((await ask("POST", path, { body })).json).toMatchObject({ count: 2 })
    expect((await runs(id, "echo $A-$B-$GREETING")).json.stdout).toBe("1-2-\n")
    expect((await ask("DELETE", path, { body: { keys: ["A"] } })).json).toMatchObject({ status: "deleted", deleted: 1 })
    expect((await ask("DELETE", path)).json).toMatchObject({ status: "deleted", success: true, deleted: 1 })
    expect((await ask("GET", path)).json).toMatchObject({ has_vault: false, count: 0 })
    expect(
      (await ask("PUT", path, { body: `A=${"x".repeat(65_537)}`, headers: { "content-type": "text/plain" } })).status
    ).toBe(413)
    const many = Array.from({ length: 257 }, (_, n) => `V${n}=1`).join("\n")
    expect((await ask("PUT", path, { body: many, headers: { "content-type": "text/plain" } })).status).toBe(400)
    expect((await ask("PUT", path, { body: "no equals", headers: { "content-type": "text/plain" } })).status).toBe(400)
  })

  it("freezes and unfreezes: nothing moves, nothing is lost, nothing runs beside", async () => {
    expect((await act(id, "freeze")).json).toMatchObject({ state: "frozen", status: "frozen" })
    expect((await act(id, "freeze")).status).toBe(200)
    const refused = await runs(id, "echo no")
    expect([refused.status, refused.text.includes("not running")]).toEqual([409, true])
    const before = (await get(id)).json.container_name
    expect((await act(id, "unfreeze")).json).toMatchObject({ state: "running", container_name: before })
    expect((await runs(id, fetching(8080))).json.stdout).toContain("hello there")
  })

  it("is not changed or destroyed while it is locked", async () => {
    expect((await act(id, "lock")).json).toMatchObject({ locked: true })
    const path = `/services/${String(id)}`
    for (const answer of [
      await remove(id),
      await act(id, "redeploy"),
      await act(id, "resize", { vcpu: 2 }),
      await ask("PATCH", path, { body: { name: "other" } }),
      await ask("PUT", `${path}/domains`, { body: { add: ["a.example.com"] } }),
      await ask("PUT", `${path}/env`, { body: "A=1", headers: { "content-type": "text/plain" } })
    ])
      expect([answer.status, answer.json.error], answer.text).toEqual([409, "locked"])
    expect((await act(id, "freeze")).status).toBe(200)
    expect((await act(id, "unfreeze")).status).toBe(200)
    expect((await act(id, "unlock")).json).toMatchObject({ locked: false })
  })

  it("is resized while it runs", async () => {
    expect((await act(id, "resize", { vcpu: 2 })).json).toMatchObject({ vcpu: 2, memory_mb: 512, state: "running" })
    expect((await ask("PATCH", `/services/${String(id)}`, { body: { vcpu: 1 } })).json).toMatchObject({ vcpu: 1 })
    const wrong = await ask("PATCH", `/services/${String(id)}`, { body: { vcpu: 9 } })
    expect([wrong.status, wrong.text.includes("Invalid vcpu value (must be 1-8)")]).toEqual([400, true])
    expect((await runs(id, fetching(8080))).json.stdout).toContain("hello there")
  })

  it("changes its policy, its name and its domains", async () => {
    const path = `/services/${String(id)}`
    const policy = { unfreeze_on_demand: true, show_freeze_page: false }
    expect((await ask("PATCH", path, { body: policy })).json).toMatchObject(policy)
    expect((await ask("PATCH", path, { body: { name: "Store" } })).json).toMatchObject({ name: "store" })
    const add = await ask("PUT", `${path}/domains`, { body: { add: ["Shop.Example.com", "www.example.com"] } })
    expect(add.json.custom_domains, add.text).toEqual(["shop.example.com", "www.example.com"])
    const less = await ask("PUT", `${path}/domains`, { body: { remove: ["www.example.com"] } })
    expect(less.json.custom_domains).toEqual(["shop.example.com"])
    expect((await ask("PUT", `${path}/domains`, { body: { domains: ["b.example.com"] } })).json.domains).toEqual([
      "b.example.com"
    ])
    for (const bad of ["localhost", "x.on.localhost", "1.2.3.4", "nodot", "a b.com"])
      expect((await ask("PUT", `${path}/domains`, { body: { add: [bad] } })).status, bad).toBe(400)
  })

  it("is redeployed on the root that it has", async () => {
    const before = (await get(id)).json.container_name
    const answer = await act(id, "redeploy")
    expect(answer.json).toMatchObject({ state: "redeploying" })
    await becomes(id, "running")
    expect((await get(id)).json.container_name).not.toBe(before)
    await eventually("its bootstrap ran again", async () => (await runs(id, "wc -l < /srv/runs")).json.stdout === "2\n")
    await act(id, "redeploy", { bootstrap: "echo another; sleep 1000" })
    await becomes(id, "running")
    await eventually("another bootstrap ran", async () =>
      String((await ask("GET", `/services/${String(id)}/logs?lines=1`)).json.log).includes("another")
    )
  })

  const another = async (before: unknown) => {
    await eventually("it runs in another container", async () => {
      const now = (await get(id)).json
      return now.state === "running" && now.container_name !== before
    })
    const counted = await runs(id, "wc -l < /srv/runs")
    expect(counted.json.stdout, counted.text).toBe("2\n")
  }

  it("is restarted when its bootstrap is killed", async () => {
    const before = (await get(id)).json.container_name
    await runs(id, "kill -9 -1", { timeout: 2_000 })
    await another(before)
  })

  it("is restarted when its container dies", async () => {
    const before = (await get(id)).json.container_name
    const spawner = spawnerOf(server.data)
    for (const pid of membranesOf(server.data)) if (pid !== spawner) kill(pid)
    await another(before)
  })

  it("runs commands from the moment that it is told to run", async () => {
    for (let turn = 0; turn < 5; turn++) {
      await act(id, "redeploy")
      for (let state: unknown; state !== "running"; ) state = (await get(id)).json.state
      const answers = await Promise.all(Array.from({ length: 4 }, () => runs(id, "echo here")))
      for (const answer of answers) expect(answer.json.stdout, answer.text).toBe("here\n")
    }
  })

  it("is destroyed: gone for its owner, and its name is free", async () => {
    const answer = await remove(id)
    expect(answer.json, answer.text).toMatchObject({ service_id: id, success: true })
    const gone = await get(id)
    expect([gone.status, gone.json.error]).toEqual([410, "gone"])
    expect((await ask("GET", "/services")).json).toMatchObject({ count: 0 })
    const again = await made({ name: "store" })
    expect((await remove(again.json.id)).status).toBe(200)
  })
})

describe("names", () => {
  it("belong to one: of many who want one at the same time, one gets it", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask("POST", "/services", { body: { name: "wanted" } }))
    )
    const won = answers.filter(({ status }) => status === 201)
    const lost = answers.filter(({ status }) => status === 409)
    expect([won.length, lost.length], answers.map(({ text }) => text).join("\n")).toEqual([1, 7])
    for (const { text } of lost) expect(text).toContain("already taken")
    await Promise.all(won.map(({ json }) => remove(json.id)))
  })

  it("are labels, and not the operator's", async () => {
    for (const name of ["www", "-a", "a_b", "a.b", "xn--abc", "x".repeat(64), 7])
      expect((await ask("POST", "/services", { body: { name } })).status, String(name)).toBe(400)
  })
})

describe("a bootstrap that fails", () => {
  it("leaves the service failed, with its status and its log, until it is redeployed", async () => {
    const { json } = await made({ bootstrap: "echo before; exit 7" })
    const failed = await becomes(json.id, "failed")
    expect(failed.json).toMatchObject({ exit_code: 7, error: "its bootstrap ended with status 7", container_name: "" })
    expect((await ask("GET", `/services/${String(json.id)}/logs`)).json.log).toBe("before\n")
    expect((await runs(json.id, "true")).status).toBe(409)
    await act(json.id, "redeploy", { bootstrap: "(sleep 1000) & echo fine" })
    await becomes(json.id, "running")
    expect((await remove(json.id)).status).toBe(200)
  })

  it("cannot be redeployed where there is none", async () => {
    const { json } = await made({})
    await becomes(json.id, "running")
    const answer = await act(json.id, "redeploy")
    expect([answer.status, answer.json.error]).toEqual([400, "no_bootstrap"])
    await remove(json.id)
  })
})

describe("a public port", () => {
  it("is given to services of type tcp and their kin, each its own", async () => {
    const one = await made({ service_type: "tcp", ports: "7000,7001" })
    const other = await made({ service_type: "minecraft" })
    expect(one.json).toMatchObject({ ports: [7000, 7001], public_port: 30_000 })
    expect(other.json).toMatchObject({ ports: [25_565], public_port: 30_001 })
    expect((await ask("POST", "/services", { body: { service_type: "tcp" } })).status).toBe(400)
    expect((await ask("POST", "/services", { body: { service_type: "gopher" } })).status).toBe(400)
    await Promise.all([one, other].map(({ json }) => remove(json.id)))
  })
})

describe("a stranger's or a missing service", () => {
  it("is no service", async () => {
    for (const id of ["unsb-service-0000000000000000", "nonsense"]) {
      for (const verb of ["freeze", "unfreeze", "lock", "unlock", "redeploy", "resize", "execute"])
        expect((await act(id, verb, { command: "x", vcpu: 2 })).status, verb).toBe(404)
      expect((await remove(id)).status).toBe(404)
      expect((await ask("GET", `/services/${id}/logs`)).status).toBe(404)
    }
  })
})
