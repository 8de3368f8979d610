/** Keys with parents, and services with keys of their own, against the real server and real containers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Answer, type Ask, request, type Target } from "../support/client.js"
import { json } from "../support/command.js"
import { eventually } from "../support/eventually.js"
import { type Server, serverForTest, startServer } from "../support/server.js"

let server: Server
const sized = ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB"]
beforeAll(async () => {
  server = await startServer({ pool: 3, args: sized })
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const ask = (to: Target, method: string, path: string, body?: object): Promise<Answer> => {
  const more: Ask = body === undefined ? {} : { body }
  return request(to, method, path, more)
}

const childOf = async (parent: Target, ...more: ReadonlyArray<string>): Promise<Target> => {
  const order = ["--parent", parent.publicKey, "--confirm", "off", "--data", server.data]
  const made = await json("keys", "create", ...order, ...more)
  return { url: server.url, publicKey: made.public_key, secretKey: made.secret_key }
}

const becomes = (to: Target, path: string, state: string) =>
  eventually(`${path} is ${state}`, async () => (await ask(to, "GET", path)).json.state === state, 60_000)

const made = async (to: Target, path: string, body: object): Promise<Record<string, unknown>> => {
  const answer = await ask(to, "POST", path, body)
  expect(answer.status, answer.text).toBeLessThan(300)
  return answer.json
}

/** One thing of each kind: what it is called, and what others might do to it. */
const everything = async (to: Target, name: string) => {
  const service = (await made(to, "/services", { name, bootstrap: "sleep 1000" })).id
  const session = (await made(to, "/sessions", { shell: "bash", multiplexer: "tmux" })).id
  await becomes(to, `/services/${service}`, "running")
  const snapshot = (await made(to, "/snapshots", { service_id: service, name })).id
  const image = (await made(to, "/images", { source_type: "snapshot", source_id: snapshot, name })).id
  const job = (await made(to, "/execute/async", { language: "bash", code: "sleep 60" })).job_id
  return [
    ...["freeze", "unlock", "env/export", "redeploy"].map((verb) => ["POST", `/services/${service}/${verb}`]),
    ...["GET", "DELETE"].map((method) => [method, `/services/${service}`]),
    ["PUT", `/services/${service}/env`],
    ...["GET", "DELETE"].map((method) => [method, `/sessions/${session}`]),
    ["POST", `/sessions/${session}/snapshot`],
    ...["GET", "DELETE"].map((method) => [method, `/snapshots/${snapshot}`]),
    ...["restore", "clone", "unlock"].map((verb) => ["POST", `/snapshots/${snapshot}/${verb}`]),
    ...["GET", "DELETE"].map((method) => [method, `/images/${image}`]),
    ...["spawn", "grant", "transfer", "unlock"].map((verb) => ["POST", `/images/${image}/${verb}`]),
    ...["GET", "DELETE"].map((method) => [method, `/jobs/${job}`])
  ] as const
}

const isNothing = async (to: Target, things: ReadonlyArray<readonly [string, string] | ReadonlyArray<string>>) => {
  for (const [method = "", path = ""] of things) {
    const answer = await ask(to, method, path, method === "GET" ? undefined : { trusted_api_key: to.publicKey })
    expect([answer.status, answer.json.error], `${method} ${path}: ${answer.text}`).toEqual([404, "not_found"])
    // A path that is no route would be not found as well, for another reason.
    expect(answer.json.details, `${method} ${path}`).toMatchObject({
      ...{ point: expect.stringMatching(/^D1[68]$/), certainty: "refused" }
    })
  }
}

describe("a line of keys", () => {
  it("shares nothing: neither a child, nor its parent, nor a sibling acts on what another owns", async () => {
    const [child, sibling] = [await childOf(server), await childOf(server)]
    const [above, below] = [await everything(server, "above"), await everything(child, "below")]
    await isNothing(child, above)
    await isNothing(server, below)
    await isNothing(sibling, [...above, ...below])
    for (const [method = "", path = ""] of above.filter(([method]) => method === "GET"))
      expect((await ask(server, method, path)).status, path).toBe(200)
    for (const one of [server, child])
      for (const kind of ["services", "sessions", "snapshots", "images"])
        expect((await ask(one, "GET", `/${kind}`)).json[kind], kind).toHaveLength(1)
  }, 180_000)

  it("is told what it may, and is refused with its parent", async () => {
    const child = await childOf(server, "--tier", "3", "--rpm", "6000")
    const grandchild = await childOf(child, "--scopes", "execute")
    expect((await ask(grandchild, "GET", "/keys/self")).json).toMatchObject({
      ...{ tier: 3, tier_name: "3", concurrency: 1, scopes: ["execute"], generation: 2 }
    })
    expect((await ask(grandchild, "POST", "/execute", { language: "bash", code: "echo hi" })).json.stdout).toBe("hi\n")
    await json("keys", "suspend", child.publicKey, "--data", server.data)
    expect((await ask(grandchild, "GET", "/keys/self")).status).toBe(403)
    await json("keys", "resume", child.publicKey, "--data", server.data)
    expect((await ask(grandchild, "GET", "/keys/self")).status).toBe(200)
    await json("keys", "revoke", child.publicKey, "--data", server.data)
    expect((await ask(grandchild, "POST", "/keys/validate")).json).toMatchObject({ reason: "invalid_key" })
    expect((await ask(server, "GET", "/keys/self")).status).toBe(200)
  }, 120_000)
})

const keeping = (file: string) => `env | grep ^UNSANDBOX_ > ${file}; sleep 1000`

/** What its programs found in their environment: read from where they put it. */
const pairOf = async (to: Server, service: unknown, file: string): Promise<Target> => {
  let said = ""
  await eventually("its programs have looked", async () => {
    const answer = await ask(to, "POST", `/services/${service}/execute`, { command: `cat ${file}; env` })
    said = String(answer.json.stdout)
    return said.includes("UNSANDBOX_SECRET_KEY=")
  })
  const found = (name: string) => said.match(new RegExp(`^UNSANDBOX_${name}_KEY=(.*)$`, "gm")) ?? []
  // Once, from the file: a command beside the bootstrap is not told it.
  expect([found("PUBLIC").length, found("SECRET").length]).toEqual([1, 1])
  const value = (name: string) => found(name)[0]?.split("=")[1] ?? ""
  return { url: to.url, publicKey: value("PUBLIC"), secretKey: value("SECRET") }
}

describe("a service with a key of its own", () => {
  it("finds the pair, which acts as a child of its owner's, and is revoked with it", async () => {
    const body = { name: "worker", bootstrap: keeping("/srv/pair"), env: { A: "1" } }
    const { id } = await made(server, "/services", { ...body, child_key: { scopes: ["execute"], concurrency: 2 } })
    await becomes(server, `/services/${id}`, "running")
    const own = await pairOf(server, id, "/srv/pair")
    const self = await ask(own, "GET", "/keys/self")
    expect(self.json).toMatchObject({ generation: 1, scopes: ["execute"], concurrency: 2 })
    expect((await ask(own, "POST", "/execute", { language: "bash", code: "echo hi" })).json.stdout).toBe("hi\n")
    await isNothing(own, [
      ["GET", `/services/${id}`],
      ["DELETE", `/services/${id}`],
      ["POST", `/services/${id}/unlock`]
    ])
    for (const path of [`/services/${id}`, `/services/${id}/env`])
      expect((await ask(server, "GET", path)).text).not.toMatch(/unsb-sk|UNSANDBOX/)
    expect((await ask(server, "POST", `/services/${id}/env/export`)).json.env).toBe("A=1\n")
    const { keys } = await json("keys", "list", "--data", server.data)
    expect(keys).toContainEqual(
      expect.objectContaining({ public_key: own.publicKey, given_to: id, parent: server.publicKey, generation: 1 })
    )
    expect(JSON.stringify(keys)).not.toContain(own.secretKey)
    expect((await ask(server, "DELETE", `/services/${id}`)).status).toBe(200)
    expect((await ask(own, "GET", "/keys/self")).status).toBe(401)
  }, 120_000)

  it("has no more than its owner, and what is meant by it is clear", async () => {
    const poor = await childOf(server, "--tier", "3", "--rpm", "6000")
    const order = (child_key: unknown) =>
      ask(poor, "POST", "/services", { name: "greedy", bootstrap: "true", child_key })
    const beyond = await order({ concurrency: 2 })
    expect(beyond).toMatchObject({ status: 403, json: { error: "beyond_parent", details: { limit: "concurrency" } } })
    expect(await order({ concurency: 1 })).toMatchObject({ status: 400, json: { details: { field: "child_key" } } })
    expect((await ask(poor, "GET", "/services")).json.services).toEqual([])
  }, 60_000)

  it("is never handed its owner's own key, nor one above that", async () => {
    const child = await childOf(server)
    const { id } = await made(child, "/services", { name: "honest", bootstrap: "sleep 1000" })
    for (const secret of [child.secretKey, server.secretKey]) {
      const env = { TOKEN: `Bearer ${secret}` }
      for (const [method, path, body] of [
        ["POST", "/services", { name: "thief", bootstrap: "true", env }],
        ["PUT", `/services/${id}/env`, { env }],
        ["POST", `/services/${id}/env`, { env }]
      ] as const) {
        const answer = await ask(child, method, path, body)
        expect([answer.status, answer.json.error], `${method} ${path}`).toEqual([400, "own_key_in_vault"])
        expect(answer.text).toContain("child_key")
        expect(answer.text).not.toContain(secret)
      }
      for (const [path, body] of [
        ["/services", { name: "thief", bootstrap: `SK=${secret} exec ./serve` }],
        [`/services/${id}/redeploy`, { bootstrap: `SK=${secret} exec ./serve` }]
      ] as const)
        expect((await ask(child, "POST", path, body)).json.error, path).toBe("own_key_in_bootstrap")
      const base64 = (text: string) => Buffer.from(text).toString("base64")
      const program = { filename: "main.sh", content: base64("exec ./serve") }
      for (const file of [
        { filename: "bin/tool", content: base64(`\u0000\u0001${secret}\u0000`) },
        { filename: `conf/${secret}`, content: base64("x") }
      ])
        for (const path of ["/services", `/services/${id}/redeploy`]) {
          const body = { name: "thief", bootstrap: "true", input_files: [program, file] }
          const answer = await ask(child, "POST", path, body)
          expect([answer.status, answer.json.error], path).toEqual([400, "own_key_in_file"])
          expect(answer.json.details).toMatchObject({ field: "input_files" })
          expect(answer.text).not.toContain(secret)
        }
    }
    const other = { env: { TOKEN: "unsb-sk-00000-00000-00000-00000" } }
    expect((await ask(child, "PUT", `/services/${id}/env`, other)).status).toBe(200)
    expect((await ask(child, "GET", "/services")).json.services).toHaveLength(1)
  }, 120_000)

  it("keeps its pair over a crash of the server", async () => {
    const first = await serverForTest({ pool: 1, args: sized })
    const { id } = await made(first, "/services", { name: "lasting", bootstrap: keeping("/srv/pair"), child_key: true })
    await becomes(first, `/services/${id}`, "running")
    const before = await pairOf(first, id, "/srv/pair")
    await first.kill("SIGKILL")
    const again = await serverForTest({ pool: 1, args: sized, data: first.data })
    await becomes(again, `/services/${id}`, "running")
    expect((await ask(again, "POST", `/services/${id}/redeploy`, { bootstrap: keeping("/srv/again") })).status).toBe(
      200
    )
    await becomes(again, `/services/${id}`, "running")
    const after = await pairOf(again, id, "/srv/again")
    expect([after.publicKey, after.secretKey]).toEqual([before.publicKey, before.secretKey])
    expect((await ask(after, "GET", "/keys/self")).json).toMatchObject({ generation: 1 })
    expect((await ask(again, "DELETE", `/services/${id}`)).status).toBe(200)
    expect((await ask(after, "GET", "/keys/self")).status).toBe(401)
  }, 180_000)
})
