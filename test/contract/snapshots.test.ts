/** Section 7 of the contract, and the snapshot routes of 5 and 6, against the real server and real containers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Answer, type Ask, request, type Target } from "../support/client.js"
import { anotherKey } from "../support/keys.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
let stranger: Target
beforeAll(async () => {
  server = await startServer({ pool: 4, args: ["--proxy-port", "0"] })
  stranger = anotherKey(server)
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const ask = (method: string, path: string, body?: object, more: Ask = {}) =>
  request(server, method, path, { ...(body === undefined ? {} : { body }), ...more })
const post = (path: string, body: object = {}) => ask("POST", path, body)

const fine = (answer: Answer): Record<string, unknown> => {
  expect([200, 201], answer.text).toContain(answer.status)
  return answer.json
}

const made = new Set<string>()
const session = async (more: object = {}): Promise<string> => {
  const { session_id } = fine(await post("/sessions", { shell: "bash", multiplexer: "tmux", ...more }))
  made.add(`/sessions/${String(session_id)}`)
  return String(session_id)
}
const service = async (more: object = {}): Promise<string> => {
  const { service_id } = fine(await post("/services", { bootstrap: "sleep 1000000", ...more }))
  made.add(`/services/${String(service_id)}`)
  await standing(String(service_id), "running")
  return String(service_id)
}
const standing = async (id: string, state: string): Promise<void> => {
  for (let tries = 0; tries < 200; tries++) {
    const { json } = await ask("GET", `/services/${id}`)
    if (json.state === state) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${id} is not ${state}`)
}
const run = async (place: string, command: string): Promise<string> => {
  const answer = await post(`${place}/execute`, { command })
  expect([200, 202], answer.text).toContain(answer.status)
  return String(answer.json.stdout)
}
const keys = (answer: Record<string, unknown>, ...names: ReadonlyArray<string>) =>
  expect(Object.keys(answer)).toEqual(expect.arrayContaining([...names]))

describe("snapshots of a session", () => {
  it("are taken, listed, restored, cloned, locked and deleted", async () => {
    const id = await session()
    await run(`/sessions/${id}`, "cd; echo first > a; ln a b; ln -s a c; mkdir -m 700 d; chmod 000 a")
    const taken = fine(await post("/snapshots", { session_id: id, name: "one" }))
    keys(taken, "snapshot_id", "id", "name", "source_type", "source_id", "size_bytes", "status", "created_at", "locked")
    expect(taken).toMatchObject({ name: "one", source_type: "session", source_id: id, hot: false, type: "session" })
    const path = `/snapshots/${String(taken.id)}`
    expect(taken.id).toMatch(/^unsb-snapshot(-[0-9a-f]{4}){4}$/)
    expect(fine(await ask("GET", path))).toEqual(taken)
    expect(fine(await ask("GET", "/snapshots"))).toMatchObject({ snapshots: [taken], count: 1 })
    expect((await ask("GET", path)).text).not.toMatch(/:null|": /)

    await run(`/sessions/${id}`, "cd; rm -rf a b c d; echo second > e")
    const restored = fine(await post(`${path}/restore`))
    expect(restored).toMatchObject({ status: "restored", session_id: id, id, type: "session", snapshot_id: taken.id })
    expect(await run(`/sessions/${id}`, "cd; ls; chmod 600 a; cat b; stat -c %a d; readlink c")).toBe(
      "a\nb\nc\nd\nfirst\n700\na\n"
    )

    const cloned = fine(await post(`${path}/clone`, { type: "session", shell: "", language: "dash" }))
    made.add(`/sessions/${String(cloned.session_id)}`)
    expect(fine(await ask("GET", `/sessions/${String(cloned.session_id)}`))).toMatchObject({ shell: "dash" })
    expect(cloned.session_id).not.toBe(id)
    expect(
      await run(`/sessions/${String(cloned.session_id)}`, "cd; ls; id -u > /dev/null; echo own > a 2>&1 || true")
    ).toBe("a\nb\nc\nd\n")

    expect(fine(await post(`${path}/lock`))).toMatchObject({ locked: true })
    expect((await ask("DELETE", path)).status).toBe(409)
    expect(fine(await post(`${path}/unlock`))).toMatchObject({ locked: false })
    expect(fine(await ask("DELETE", path)).message).toContain("deleted")
    expect((await ask("GET", path)).status).toBe(410)
    expect(fine(await ask("GET", "/snapshots"))).toMatchObject({ snapshots: [], count: 0 })
  }, 120_000)

  it("have routes of the session's own", async () => {
    const id = await session()
    await run(`/sessions/${id}`, "echo kept > /tmp/x")
    const taken = fine(await post(`/sessions/${id}/snapshot`, { name: "two", hot: true, ttl: 3600 }))
    expect(taken).toMatchObject({ name: "two", hot: true, source_id: id })
    keys(taken, "snapshot_id", "id", "size_bytes", "expires_at")
    await run(`/sessions/${id}`, "echo lost > /tmp/x")
    const restored = fine(await post(`/sessions/${id}/restore`, { snapshot_id: taken.snapshot_id }))
    expect(restored).toMatchObject({ status: "restored", session_id: id })
    expect(await run(`/sessions/${id}`, "cat /tmp/x")).toBe("kept\n")
    expect((await post(`/sessions/${id}/restore`)).status).toBe(400)
  }, 120_000)
})

describe("snapshots of a service", () => {
  it("go from service to service", async () => {
    const id = await service()
    await run(`/services/${id}`, "echo data > /srv/data; truncate -s 50M /srv/holes")
    const taken = fine(await post(`/services/${id}/snapshot`, { name: "db" }))
    expect(taken).toMatchObject({ source_type: "service", source_id: id, service_id: id })
    expect(Number(taken.size_bytes)).toBeLessThan(1_000_000)
    await standing(id, "running")
    const also = fine(await post("/snapshots", { source_type: "service", source_id: id, hot: true }))
    expect(also).toMatchObject({ hot: true, name: also.id })

    await run(`/services/${id}`, "echo gone > /srv/data")
    const restored = fine(await post(`/snapshots/${String(taken.id)}/restore`))
    expect(restored).toMatchObject({ status: "restored", service_id: id })
    await standing(id, "running")
    expect(await run(`/services/${id}`, "cat /srv/data; du -k /srv/holes | cut -f1")).toMatch(/^data\n[0-9]{1,3}\n$/)

    const cloned = fine(
      await post(`/snapshots/${String(taken.id)}/clone`, { clone_type: "service", name: "db-2", ports: [80] })
    )
    made.add(`/services/${String(cloned.service_id)}`)
    keys(cloned, "service_id", "url", "id", "name")
    expect(cloned).toMatchObject({ name: "db-2", ports: [80] })
    // By either name of the field.
    for (const network of [{ network_mode: "semitrusted" }, { network: "semitrusted" }]) {
      const outside = fine(await post(`/snapshots/${String(taken.id)}/clone`, { type: "service", ...network }))
      made.add(`/services/${String(outside.id)}`)
      expect(outside).toMatchObject({ network_mode: "semitrusted" })
    }
  }, 180_000)

  it("are not put back over what is locked", async () => {
    const id = await service()
    const { id: taken } = fine(await post(`/services/${id}/snapshot`))
    fine(await post(`/services/${id}/lock`))
    expect(await post(`/snapshots/${String(taken)}/restore`)).toMatchObject({ status: 409, json: { error: "locked" } })
    fine(await post(`/services/${id}/unlock`))
  }, 120_000)
})

describe("snapshots and strangers", () => {
  it("hears of nothing that is another's", async () => {
    const id = await session()
    const { id: taken } = fine(await post(`/sessions/${id}/snapshot`))
    const theirs = (method: string, path: string, body: object = {}) => request(stranger, method, path, { body })
    const path = `/snapshots/${String(taken)}`
    for (const [method, route] of [
      ["GET", path],
      ["DELETE", path],
      ["POST", `${path}/lock`],
      ["POST", `${path}/unlock`],
      ["POST", `${path}/restore`],
      ["POST", `${path}/clone`],
      ["POST", `/sessions/${id}/snapshot`]
    ] as const)
      expect((await theirs(method, route)).status, `${method} ${route}`).toBe(404)
    expect((await theirs("POST", "/snapshots", { session_id: id })).status).toBe(404)
    expect((await request(stranger, "GET", "/snapshots")).json).toMatchObject({ snapshots: [], count: 0 })
    const own = fine(await request(stranger, "POST", "/sessions", { body: { multiplexer: "tmux" } }))
    expect((await theirs("POST", `/sessions/${String(own.id)}/restore`, { snapshot_id: taken })).status).toBe(404)
    await theirs("DELETE", `/sessions/${String(own.id)}`)
  }, 120_000)

  it("says what is wrong with a request", async () => {
    expect(await post("/snapshots")).toMatchObject({ status: 400, json: { error: "source_required" } })
    expect((await post("/snapshots", { source_type: "job", source_id: "x" })).status).toBe(400)
    expect((await post("/snapshots", { session_id: "unsb-session-0" })).status).toBe(404)
    expect((await ask("GET", "/snapshots/unsb-snapshot-0000-0000-0000-0000")).status).toBe(404)
    const id = await session()
    expect((await post(`/sessions/${id}/snapshot`, { name: "a\nb" })).status).toBe(400)
    expect((await post(`/sessions/${id}/snapshot`, { ttl: -1 })).status).toBe(400)
    const { id: taken } = fine(await post(`/sessions/${id}/snapshot`))
    expect((await post(`/snapshots/${String(taken)}/clone`, { type: "job" })).status).toBe(400)
    fine(await ask("DELETE", `/sessions/${id}`))
    expect((await post(`/snapshots/${String(taken)}/restore`)).status).toBe(410)
  }, 120_000)
})
