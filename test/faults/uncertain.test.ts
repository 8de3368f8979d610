/** What a decision rests on is broken under a running server: nothing is destroyed, unlocked or overwritten meanwhile, and the log tells. */
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import Database from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Answer, request, type Target } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { anotherKey } from "../support/keys.js"
import { type Server, startServer } from "../support/server.js"

const usual = ["--memory-per-vcpu", "128MiB", "--reserve", "128MiB"]

let server: Server
let open: string
let locked: string
let snapshot: string
/** Its key asks a person to confirm. */
let careful: Target
let treasure: string
beforeAll(async () => {
  server = await startServer({ pool: 2, args: usual })
  open = await service("open")
  locked = await service("locked")
  expect((await ask("POST", `/services/${locked}/lock`, {})).status).toBe(200)
  const taken = await ask("POST", "/snapshots", { service_id: open, name: "kept" })
  expect(taken.status, taken.text).toBe(200)
  snapshot = String(taken.json.snapshot_id)
  careful = anotherKey(server, "--confirm", "on")
  treasure = await service("treasure", careful)
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const ask = (method: string, path: string, body?: object, as: Target = server): Promise<Answer> =>
  request(as, method, path, body === undefined ? {} : { body })

const bootstrap_content = "sleep 100000"

const service = async (name: string, as: Target = server): Promise<string> => {
  const { json, status, text } = await ask("POST", "/services", { name, bootstrap_content }, as)
  expect(status, text).toBe(201)
  const id = String(json.id)
  const state = async () => (await ask("GET", `/services/${id}`, undefined, as)).json.state
  await eventually(`${name} runs`, async () => (await state()) === "running")
  return id
}

const told = async (path: string, as: Target = server) => {
  const { json, status } = await ask("GET", path, undefined, as)
  const { container_name, locked, name, state } = json
  return { status, container_name, locked, name, state }
}

const everything = async () => [
  await told(`/services/${open}`),
  await told(`/services/${locked}`),
  await told(`/services/${treasure}`, careful),
  await told(`/snapshots/${snapshot}`)
]

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
const forgetKey = () => void unsandbox("keys", "extend", server.publicKey, "--expires", "9d")

interface Condition {
  readonly what: string
  readonly point: string
  readonly breaks: () => void | Promise<void>
  readonly mends: () => void
  /** Instead of what every other condition is tried with. */
  readonly tries?: () => ReadonlyArray<Promise<Answer>>
}

const destroying = () => [
  ask("DELETE", `/services/${open}`),
  ask("POST", `/services/${open}/redeploy`, { bootstrap_content: "echo overwritten" }),
  ask("POST", `/services/${locked}/unlock`, {})
]

const restoring = () => [
  ask("DELETE", `/snapshots/${snapshot}`),
  ask("POST", `/snapshots/${snapshot}/restore`, { service_id: open })
]

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

const unread = ({ breaks, mends }: Pick<Condition, "breaks" | "mends">, broken: () => Promise<boolean>) => ({
  breaks: async () => {
    // The server looks at keys of its own accord, and may have read it between the two.
    for (let turn = 0; turn < 10; turn += 1) {
      forgetKey()
      await breaks()
      if (await broken()) return
      mends()
    }
    throw new Error("the key was always read in time")
  },
  mends: () => {
    mends()
    forgetKey()
  }
})

const refused = async () => (await ask("GET", "/keys/self")).status === 503

const conditions: ReadonlyArray<Condition> = [
  { what: "the table of keys is gone", point: "D01", ...unread(away("keys"), refused) },
  {
    what: "a key has a standing that nobody knows",
    point: "D02",
    ...unread(garbled("status", "keys", "'enchanted'"), refused)
  },
  { what: "the table of services is gone", point: "D16", ...away("services") },
  { what: "a service has no owner", point: "D16", ...garbled("owner", "services", "''") },
  { what: "the table of snapshots is gone", point: "D16", ...away("snapshots"), tries: restoring },
  { what: "the memory of requests is gone", point: "D05", ...away("seen_requests") },
  {
    what: "the memory of challenges is gone",
    point: "D21",
    ...away("confirmations"),
    tries: () => [ask("DELETE", `/services/${treasure}`, undefined, careful)]
  }
]

describe("while", () => {
  for (const { breaks, mends, point, tries = destroying, what } of conditions)
    it(`${what}, nothing is destroyed, unlocked or overwritten`, async () => {
      const before = await everything()
      const seq = head()
      await breaks()
      const answers = await Promise.all(tries()).finally(mends)
      for (const { json, status, text } of answers) {
        expect(status, text).toBe(503)
        expect(json).toMatchObject({ error: expect.any(String), message: expect.any(String) })
      }
      expect(await everything()).toEqual(before)
      await eventually(`${point} is told to have refused`, () =>
        refusals(seq).some(({ data }) => data.point === point && data.certainty === "uncertain")
      )
    }, 60_000)

  it("all is whole again, what was asked for is done", async () => {
    expect((await ask("POST", `/services/${locked}/unlock`, {})).status).toBe(200)
    expect((await ask("DELETE", `/snapshots/${snapshot}`)).status).toBe(200)
    // Its person has not spoken.
    expect((await ask("DELETE", `/services/${treasure}`, undefined, careful)).status).toBe(428)
    for (const id of [open, locked]) expect((await ask("DELETE", `/services/${id}`)).status).toBe(200)
    expect(JSON.parse(unsandbox("verify", "--json"))).toMatchObject({ ok: true })
  })
})
