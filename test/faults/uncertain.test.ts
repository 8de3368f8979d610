/** What a decision rests on is broken under a running server: nothing is destroyed, unlocked or overwritten meanwhile, and the log tells. */
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import Database from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Answer, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { anotherKey } from "../support/keys.js"
import { type Server, startServer } from "../support/server.js"

const usual = ["--memory-per-vcpu", "128MiB", "--reserve", "128MiB"]

let server: Server
let open: string
let locked: string
beforeAll(async () => {
  server = await startServer({ pool: 2, args: usual })
  open = await service("open")
  locked = await service("locked")
  expect((await ask("POST", `/services/${locked}/lock`, {})).status).toBe(200)
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const ask = (method: string, path: string, body?: object): Promise<Answer> =>
  request(server, method, path, body === undefined ? {} : { body })

const bootstrap_content = "sleep 100000"

const service = async (name: string): Promise<string> => {
  const { json, status, text } = await ask("POST", "/services", { name, bootstrap_content })
  expect(status, text).toBe(201)
  const id = String(json.id)
  await eventually(`${name} runs`, async () => (await ask("GET", `/services/${id}`)).json.state === "running")
  return id
}

const told = async (id: string) => {
  const { json, status } = await ask("GET", `/services/${id}`)
  const { container_name, locked, name, state } = json
  return { status, container_name, locked, name, state }
}

const unsandbox = (...argv: ReadonlyArray<string>): string =>
  execFileSync("node", ["bin/unsandbox.mjs", ...argv, "--data", server.data], { encoding: "utf8", maxBuffer: 2 ** 26 })

interface Told {
  readonly type: string
  readonly seq: number
  readonly data: { readonly point: string; readonly certainty: string; readonly action: string }
}

/** Refusals since that event. */
const refusals = (after: number): ReadonlyArray<Told> =>
  unsandbox("events", "tail", "--once", "--last", "500", "--json")
    .trim()
    .split("\n")
    .map((line): Told => JSON.parse(line))
    .filter(({ seq, type }) => seq > after && type === "Refused")

const head = (): number => {
  const db = new Database(join(server.data, "unsandbox.sqlite"), { readonly: true })
  const { seq } = Object(db.prepare("SELECT max(seq) AS seq FROM events").get())
  db.close()
  return Number(seq)
}

/** As an operator's mishap, a failing disk or a bug would: behind the server's back. */
const sql = (statements: string): void => {
  const db = new Database(join(server.data, "unsandbox.sqlite"), { timeout: 10_000 })
  db.exec(statements)
  db.close()
}

/** What the server knows of its caller is read anew. */
const forgetKey = () => {
  unsandbox("keys", "suspend", server.publicKey, "--reason", "test")
  unsandbox("keys", "resume", server.publicKey)
}

interface Condition {
  readonly what: string
  readonly point: string
  readonly breaks: () => void
  readonly mends: () => void
}

const away = (table: string): Pick<Condition, "breaks" | "mends"> => ({
  breaks: () => sql(`ALTER TABLE ${table} RENAME TO ${table}_away`),
  mends: () => sql(`ALTER TABLE ${table}_away RENAME TO ${table}`)
})

/** Values that no server of ours has written. */
const garbled = (column: string, table: string, value: string): Pick<Condition, "breaks" | "mends"> => ({
  breaks: () =>
    sql(`CREATE TABLE kept AS SELECT seq, ${column} AS v FROM ${table}; UPDATE ${table} SET ${column} = ${value}`),
  mends: () =>
    sql(`UPDATE ${table} SET ${column} = (SELECT v FROM kept WHERE kept.seq = ${table}.seq); DROP TABLE kept`)
})

const unread = ({ breaks, mends }: Pick<Condition, "breaks" | "mends">) => ({
  breaks: () => {
    forgetKey()
    breaks()
  },
  mends: () => {
    mends()
    forgetKey()
  }
})

const conditions: ReadonlyArray<Condition> = [
  { what: "the table of keys is gone", point: "D01", ...unread(away("keys")) },
  { what: "a key has a standing that nobody knows", point: "D02", ...unread(garbled("status", "keys", "'enchanted'")) },
  { what: "the table of services is gone", point: "D16", ...away("services") },
  { what: "a service has no owner", point: "D16", ...garbled("owner", "services", "''") },
  { what: "the memory of requests is gone", point: "D05", ...away("seen_requests") }
]

describe("while", () => {
  for (const { breaks, mends, point, what } of conditions)
    it(`${what}, nothing is destroyed, unlocked or overwritten`, async () => {
      const before = [await told(open), await told(locked)]
      const seq = head()
      breaks()
      const answers = [
        await ask("DELETE", `/services/${open}`),
        await ask("POST", `/services/${open}/redeploy`, { bootstrap_content: "echo overwritten" }),
        await ask("POST", `/services/${locked}/unlock`, {}),
        await ask("DELETE", `/services/${locked}`)
      ]
      mends()
      for (const { status, text } of answers) expect(status, text).toBe(503)
      for (const { json } of answers)
        expect(json).toMatchObject({ error: expect.any(String), message: expect.any(String) })
      expect([await told(open), await told(locked)]).toEqual(before)
      await eventually("the refusals are told", () => {
        const points = refusals(seq).map(({ data }) => `${data.point} ${data.certainty}`)
        return points.length > 0 && points.includes(`${point} uncertain`)
      })
    }, 60_000)

  it("all is whole again, what was asked for is done", async () => {
    expect((await ask("POST", `/services/${locked}/unlock`, {})).status).toBe(200)
    for (const id of [open, locked]) expect((await ask("DELETE", `/services/${id}`)).status).toBe(200)
    expect(JSON.parse(unsandbox("verify", "--json"))).toMatchObject({ ok: true })
  })
})
