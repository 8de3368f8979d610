/** Every route that changes something × everybody who may call it: the owner alone does it, and nobody else changes anything. */
import { execFileSync } from "node:child_process"
import * as HttpApi from "@effect/platform/HttpApi"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Api } from "../../src/http/Api.js"
import { type Answer, type Ask, request, type Target } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { anotherKey } from "../support/keys.js"
import { type Server, startServer } from "../support/server.js"
import { type Row, rows, type Thing } from "./matrix.js"

const mutating: Array<string> = []
HttpApi.reflect(Api, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint: { method, path } }) => {
    if (method !== "GET" && method !== "HEAD") mutating.push(`${method} ${path}`)
  }
})

let server: Server
interface People {
  readonly stranger: Target
  readonly granted: Target
  readonly child: Target
  readonly revoked: Target
  readonly suspended: Target
  readonly expired: Target
}
let people: People

const operator = (...words: ReadonlyArray<string>) =>
  execFileSync("node", ["bin/unsandbox.mjs", "keys", ...words, "--data", server.data], { encoding: "utf8" })

beforeAll(async () => {
  server = await startServer({ pool: 4, args: ["--memory-per-vcpu", "128MiB", "--reserve", "256MiB"] })
  people = {
    stranger: anotherKey(server),
    granted: anotherKey(server),
    child: anotherKey(server, "--parent", server.publicKey),
    revoked: anotherKey(server),
    suspended: anotherKey(server),
    expired: anotherKey(server, "--expires", "1s")
  }
  operator("revoke", people.revoked.publicKey)
  operator("suspend", people.suspended.publicKey)
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const ask = (method: string, path: string, more: Ask = {}) => request(server, method, path, more)
const made = async (method: string, path: string, body: object): Promise<string> => {
  const answer = await ask(method, path, { body })
  expect([200, 201, 202], answer.text).toContain(answer.status)
  return String(answer.json.id ?? answer.json.job_id)
}

const session = () => made("POST", "/sessions", { multiplexer: "tmux" })
const snapshot = async () => made("POST", "/snapshots", { session_id: await session() })
const making: { readonly [T in Thing]: () => Promise<string> } = {
  session,
  snapshot,
  job: () => made("POST", "/execute/async", { language: "bash", code: "sleep 60" }),
  service: async () => {
    const id = await made("POST", "/services", { bootstrap: "sleep 1000" })
    await eventually(`${id} runs`, async () => (await ask("GET", `/services/${id}`)).json.state === "running")
    return id
  },
  image: async () => {
    const id = await made("POST", "/images", { source_type: "snapshot", source_id: await snapshot(), name: "matrix" })
    await made("POST", `/images/${id}/grant`, { api_key: people.granted.publicKey })
    return id
  }
}

/** As its owner sees it; what only tells the time is left out. */
const seen = async (thing: Thing, id: string): Promise<object> => {
  const { remaining_ttl, websocket_url, last_activity, disk_used, progress, ...rest } = (
    await ask("GET", `/${thing}s/${id}`)
  ).json
  return rest
}

const success = (status: number): boolean => status >= 200 && status < 300

/** A stranger's thing is no thing; who may use an image but not change it is told so. */
const strangers = ({ granted = 403, harmless, owner, thing }: Row) => {
  if (thing === undefined || harmless === true) {
    const own = owner === undefined ? success : (status: number) => status === owner
    return { stranger: own, granted: own, child: own }
  }
  const nothing = (status: number) => status === 404
  return {
    stranger: nothing,
    child: nothing,
    granted: thing === "image" ? (status: number) => status === granted : nothing
  }
}

const is = (wanted: number) => (status: number) => status === wanted
const nobody = { revoked: is(401), expired: is(401), suspended: is(403), anonymous: is(401), forged: is(401) }

type Column = keyof ReturnType<typeof strangers> | keyof typeof nobody

const asks = (row: Row, name: string, id: string) => {
  const [method = "", defined = ""] = name.split(" ")
  const of = (who: Column | "owner"): Promise<Answer> => {
    const caller = who === "owner" || who === "anonymous" || who === "forged" ? server : people[who]
    const guest = people.stranger.publicKey
    const more = row.ask?.(id, caller.publicKey, guest) ?? {}
    const path = row.path?.(id, guest) ?? defined.replace(":id", id)
    if (who === "anonymous") return request(server, method, path, { ...more, sign: false })
    const forged = { signature: "0".repeat(64) }
    return request(caller, method, path, who === "forged" ? { ...more, sign: forged } : more)
  }
  return of
}

const prepared = async ({ after = [], thing }: Row): Promise<string> => {
  if (thing === undefined) return ""
  const id = await making[thing]()
  for (const [method, path, body = {}] of after) {
    const answer = await ask(method, `/${thing}s${path.replace(":id", id)}`, { body })
    expect(success(answer.status), answer.text).toBe(true)
  }
  return id
}

describe("a route that changes something", () => {
  it("has a row here, each of them", () => expect(Object.keys(rows).sort()).toEqual([...mutating].sort()))

  for (const [name, row] of Object.entries(rows))
    it(name, { timeout: 60_000 }, async () => {
      const id = await prepared(row)
      const of = asks(row, name, id)
      const before = row.thing === undefined ? {} : await seen(row.thing, id)
      const columns = Object.entries({ ...strangers(row), ...nobody })
      await Promise.all(
        columns.map(async ([who, passes]) => {
          const answer = await of(who as Column)
          expect(passes(answer.status), `${who}: ${answer.status} ${answer.text}`).toBe(true)
        })
      )
      if (row.thing !== undefined) expect(await seen(row.thing, id)).toEqual(before)
      const answer = await of("owner")
      if (row.owner === undefined) expect(success(answer.status), answer.text).toBe(true)
      else expect(answer.status, answer.text).toBe(row.owner)
      if (row.thing === "session" || row.thing === "service") await ask("DELETE", `/${row.thing}s/${id}`)
    })
})
