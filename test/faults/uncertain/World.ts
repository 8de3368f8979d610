/** A running server with things of several people in it, and all of what is at stake as it stands. */
import { readdirSync, readFileSync } from "node:fs"
import { basename } from "node:path"
import { type Behind, behind } from "../../support/behind.js"
import { type Answer, request, type Target } from "../../support/client.js"
import { eventually } from "../../support/eventually.js"
import { cgroupsOf } from "../../support/leftovers.js"
import { type Operator, operator } from "../../support/operator.js"
import { type Server, startServer } from "../../support/server.js"
import * as Nameserver from "./Nameserver.js"

export interface World {
  readonly server: Server
  readonly behind: Behind
  readonly operator: Operator
  readonly ask: (method: string, path: string, body?: object, as?: Target) => Promise<Answer>
  /** Services: one with a vault, one that is locked, one with a way out. */
  readonly open: string
  readonly locked: string
  readonly roaming: string
  readonly snapshot: string
  readonly lockedSnapshot: string
  readonly image: string
  readonly lockedImage: string
  /** The image is granted to it. */
  readonly guest: Target
  /** Its key asks a person to confirm, and the service is its. */
  readonly careful: Target
  readonly treasure: string
  /** A key, one below it, and what that has. */
  readonly parent: Target
  readonly child: Target
  readonly childs: string
  readonly stop: () => Promise<void>
}

const usual = ["--memory-per-vcpu", "64MiB", "--reserve", "64MiB"]

type Ask = World["ask"]

const idOf = ({ json, status, text }: Answer): string => {
  if (status >= 300 || typeof json.id !== "string") throw new Error(`${status}: ${text}`)
  return json.id
}

const servicesOf = (ask: Ask) => {
  let made = 0
  return async (name: string, as?: Target, more: object = {}): Promise<string> => {
    made += 1
    const body = { name, bootstrap_content: `exec sleep ${100_000 + made}`, ...more }
    const id = idOf(await ask("POST", "/services", body, as))
    const state = async () => (await ask("GET", `/services/${id}`, undefined, as)).json.state
    await eventually(`${name} runs`, async () => (await state()) === "running")
    return id
  }
}

const sharedOf = async (ask: Ask, open: string, guest: Target) => {
  const taken = () => ask("POST", "/snapshots", { service_id: open }).then(idOf)
  const [snapshot, lockedSnapshot] = [await taken(), await taken()]
  const image = idOf(await ask("POST", "/images", { snapshot_id: snapshot, name: "kept" }))
  const lockedImage = idOf(await ask("POST", `/images/${image}/clone`, { name: "locked" }))
  const steps = [
    await ask("POST", `/images/${image}/grant`, { api_key: guest.publicKey }),
    await ask("POST", `/images/${lockedImage}/lock`, {}),
    await ask("POST", `/snapshots/${lockedSnapshot}/lock`, {})
  ]
  for (const { status, text } of steps) if (status >= 300) throw new Error(text)
  return { snapshot, lockedSnapshot, image, lockedImage }
}

const peopled = async (server: Server) => {
  const ask: Ask = (method, path, body, as = server) => request(as, method, path, body === undefined ? {} : { body })
  const keys = operator(server)
  const [guest, careful, parent] = [await keys.key(), await keys.key({ confirm: "on" }), await keys.key()]
  const child = await keys.key({ parent })
  const service = servicesOf(ask)
  const open = await service("open", server, { env: { TOKEN: "canary" } })
  const locked = await service("locked")
  await ask("POST", `/services/${locked}/lock`, {})
  const roaming = await service("roaming", server, { network_mode: "semitrusted", env: { TOKEN: "another" } })
  const [treasure, childs] = [await service("treasure", careful), await service("childs", child, { ports: [8080] })]
  const things = await sharedOf(ask, open, guest)
  const people = { guest, careful, parent, child }
  return { ask, operator: keys, ...people, open, locked, roaming, treasure, childs, ...things }
}

export const make = async (): Promise<World> => {
  const names = await Nameserver.start()
  const resolvers = ["--egress-resolvers", names.address]
  const server = await startServer({ pool: "2,semitrusted=1", args: [...usual, ...resolvers] }).catch(async (error) => {
    await names.stop()
    throw error
  })
  const stop = () => server.stop().finally(names.stop)
  return peopled(server).then(
    (rest) => ({ server, behind: behind(server.data), ...rest, stop }),
    async (error: unknown) => {
      await stop()
      throw error
    }
  )
}

const said = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    // It ended while we looked.
    return ""
  }
}

/** What services run, by process id and by when it began. */
const processes = (data: string): ReadonlyArray<string> => {
  const instance = basename(cgroupsOf(data)[0] ?? "none")
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && said(`/proc/${entry}/cmdline`).startsWith("sleep\x001000"))
    .filter((pid) => said(`/proc/${pid}/cgroup`).includes(instance))
    .map((pid) => `${pid} since ${said(`/proc/${pid}/stat`).split(" ")[21]}`)
}

const tables = ["services", "names", "snapshots", "images", "image_guests", "sessions", "secrets"] as const

/** Every row of every thing, and every process that services run. */
export const stakes = ({ behind: { rows }, server }: World) => ({
  ...Object.fromEntries(tables.map((table) => [table, rows(`SELECT * FROM ${table}`)])),
  processes: processes(server.data)
})

export const headOf = ({ behind: { rows } }: World): number =>
  Number(Reflect.get(rows("SELECT max(seq) AS seq FROM events")[0] ?? {}, "seq"))

/** What has happened to anything of anybody's since then. */
export const happened = ({ behind: { rows } }: World, after: number): ReadonlyArray<string> =>
  rows(`SELECT type, substr(stream, 1, instr(stream, '/')) AS kind FROM events WHERE seq > ${after}`)
    .filter((row) => !["decision/", "key/", "container/", "supervisor/", "egress/"].includes(Reflect.get(row, "kind")))
    .map((row) => String(Reflect.get(row, "type")))
