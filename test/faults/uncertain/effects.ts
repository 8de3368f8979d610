/** What stands where something is kept, started, told or reached, broken: counts, disk, names, kernel, vault, resolver, log. */
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, renameSync } from "node:fs"
import { join } from "node:path"
import { expect } from "vitest"
import type { Broken } from "../../support/behind.js"
import { cgroupsOf } from "../../support/leftovers.js"
import { type Condition, run, type Trial } from "./Condition.js"
import type { World } from "./World.js"

const making: Trial["asks"] = [{ method: "POST", path: "/services", body: { bootstrap_content: "sleep 1" } }]
const keeping = (world: World): Trial["asks"] => [
  ...making,
  { method: "POST", path: "/snapshots", body: { service_id: world.open } },
  { method: "POST", path: `/images/${world.image}/clone`, body: {} }
]
const cloned = ({ image }: World): Trial["asks"] => [{ method: "POST", path: `/images/${image}/clone`, body: {} }]

const counted = (column: string, value: string) => (world: World) => ({
  ...world.behind.garbled({ table: "snapshots", column, value }),
  asks: keeping(world),
  afterwards: cloned(world)
})

const kept: ReadonlyArray<Condition> = [
  {
    ...{ point: "D09", how: "fails", what: "the table of snapshots is gone" },
    trial: (world) => ({
      ...world.behind.away("snapshots"),
      asks: [...making, ...cloned(world)],
      afterwards: cloned(world)
    })
  },
  {
    ...{ point: "D09", how: "returns garbage", what: "how much snapshots take cannot be read" },
    trial: counted("layer", "'{'")
  },
  {
    ...{ point: "D09", how: "returns garbage", what: "snapshots take less than nothing" },
    trial: counted("layer", "json_set(layer, '$.stored', -5000000000)")
  },
  {
    ...{ point: "D10", how: "fails", what: "the disk cannot be asked for its room" },
    trial: (world) => {
      const { data } = world.server
      const asks = [...making, { method: "POST", path: "/sessions", body: { shell: "bash" } }]
      const taken = { method: "POST", path: "/snapshots", body: { service_id: world.open } }
      return {
        breaks: () => renameSync(data, `${data}.away`),
        mends: () => renameSync(`${data}.away`, data),
        asks: [...asks, taken],
        afterwards: [taken]
      }
    }
  }
]

const named: ReadonlyArray<Condition> = [
  {
    ...{ point: "D15", how: "fails", what: "the table of names is gone" },
    trial: (world) => ({
      ...world.behind.away("names"),
      asks: [{ method: "PATCH", path: `/services/${world.open}`, body: { name: "elsewhere" } }],
      afterwards: [{ method: "PATCH", path: `/services/${world.open}`, body: { name: "open" } }]
    })
  },
  {
    ...{ point: "D15", how: "returns garbage", what: "who holds a name is garbled" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "names", column: "service", value: "''" }),
      asks: [
        { method: "POST", path: "/services", body: { name: "locked" } },
        { method: "PATCH", path: `/services/${world.open}`, body: { name: "locked" } }
      ],
      afterwards: [{ method: "PATCH", path: `/services/${world.open}`, body: { name: "open" } }]
    })
  },
  {
    ...{ point: "D15", how: "returns nothing", what: "nobody is said to hold a name" },
    certain: { status: 409, why: "the name's own history knows who has it" },
    trial: (world) => ({
      ...world.behind.emptied("names", "name = 'locked'"),
      asks: [{ method: "PATCH", path: `/services/${world.open}`, body: { name: "locked" } }],
      afterwards: [{ method: "PATCH", path: `/services/${world.open}`, body: { name: "open" } }]
    })
  }
]

const LIMITS = ["memory.limit_in_bytes", "memory.max"] as const

/** Whatever is written into the kernel's file of a container's limit is lost, and nothing can be read back from it. */
const numb = ({ server }: World): Broken => {
  const mounted: Array<string> = []
  const below = (directory: string) =>
    readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  const files = () =>
    cgroupsOf(server.data)
      .flatMap((group) => below(group).flatMap((slot) => LIMITS.map((file) => join(group, slot, file))))
      .filter(existsSync)
  return {
    breaks: () => {
      for (const file of files()) {
        execFileSync("mount", ["--bind", "/dev/null", file])
        mounted.push(file)
      }
      expect(mounted).not.toEqual([])
    },
    mends: () => {
      for (const file of mounted) execFileSync("umount", ["-l", file])
    }
  }
}

const sealed: ReadonlyArray<Condition> = [
  {
    ...{ point: "D23", how: "returns nothing", what: "a limit cannot be read back from the kernel" },
    trial: (world) => {
      const asks = [{ method: "POST", path: "/execute", body: { language: "bash", code: "true", vcpu: 2 } }]
      return { ...numb(world), asks }
    },
    action: () => "claim zerotrust",
    leaves: ["JobAccepted", "JobFinished"]
  }
]

const spilling = ({ open }: World): Trial["asks"] => [
  { method: "POST", path: `/services/${open}/execute`, body: { command: "echo $TOKEN" } },
  { method: "POST", path: `/services/${open}/env/export`, body: {} }
]
const vaultOf = ({ server }: World, service: string) => `name = 'vault/${server.publicKey}/${service}'`
const opened: NonNullable<Condition["action"]> = ({ method, path }, { open }) =>
  path.endsWith("/execute") ? `open the vault of ${open}` : `${method} ${path}`

const vaults: ReadonlyArray<Condition> = [
  {
    ...{ point: "D24", how: "fails", what: "the table of vaults is gone" },
    trial: (world) => ({ ...world.behind.away("secrets"), asks: spilling(world) })
  },
  {
    ...{ point: "D24", how: "returns nothing", what: "a vault is gone" },
    trial: (world) => ({ ...world.behind.emptied("secrets", vaultOf(world, world.open)), asks: spilling(world) }),
    action: opened
  },
  {
    ...{ point: "D24", how: "returns garbage", what: "a vault is garbled" },
    trial: (world) => ({
      ...world.behind.garbled({
        table: "secrets",
        column: "sealed",
        value: "x'00'",
        where: vaultOf(world, world.open)
      }),
      asks: spilling(world)
    }),
    action: opened
  },
  {
    ...{ point: "D24", how: "returns garbage", what: "a vault is another service's" },
    trial: (world) => {
      const other = `FROM secrets WHERE ${vaultOf(world, world.roaming)}`
      const column = "(version, root, wrapped, nonce, sealed)"
      const value = `(SELECT version, root, wrapped, nonce, sealed ${other})`
      const where = vaultOf(world, world.open)
      return { ...world.behind.garbled({ table: "secrets", column, value, where }), asks: spilling(world) }
    },
    action: opened
  }
]

const nothing: Broken = { breaks: () => {}, mends: () => {} }

const reaching =
  (host: string) =>
  ({ roaming }: World): Trial["asks"] => [
    {
      method: "POST",
      path: `/services/${roaming}/execute`,
      body: {
        command: `exec 3<>/dev/tcp/127.0.0.1/3128
printf 'GET http://${host}/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; timeout 20 head -n 1 <&3`
      }
    }
  ]
const unresolved = { leaves: ["JobAccepted", "JobStarted", "JobFinished"] } as const
const reached = (host: string, status: 502 | 503): Pick<Condition, "refuses" | "action" | "leaves"> => ({
  ...unresolved,
  refuses: ({ json, text }) => expect(json.stdout, text).toMatch(new RegExp(`^HTTP/1.1 ${status} `)),
  action: () => `reach ${host}:80`
})

const resolving = (how: Condition["how"], what: string, host: string): Condition => ({
  ...{ point: "D25", how, what },
  trial: (world) => ({ ...nothing, asks: reaching(host)(world), afterwards: [] }),
  ...reached(host, 502)
})

const outside: ReadonlyArray<Condition> = [
  resolving("hangs", "the resolver does not answer", "silent.example"),
  resolving("returns garbage", "the resolver answers what is no answer", "garbled.example"),
  resolving("returns nothing", "the resolver knows of no such name", "nobody.example"),
  {
    ...{ point: "D25", how: "returns garbage", what: "the lists of where containers may go cannot be read" },
    trial: (world) => {
      const garbled = world.behind.garbled({ table: "egress", column: "deny", value: "'['" })
      const breaks = async () => {
        await world.operator.allow("*")
        await garbled.breaks()
      }
      return { ...garbled, breaks, asks: reaching("listed.example")(world), afterwards: [] }
    },
    ...reached("listed.example", 503)
  }
]

const written: ReadonlyArray<Condition> = [
  {
    ...{ point: "D26", how: "hangs", what: "the log cannot be written in time" },
    trial: (world) => {
      const asks = [
        { method: "POST", path: `/services/${world.open}/lock`, body: {} },
        { method: "POST", path: `/snapshots/${world.snapshot}/lock`, body: {} }
      ]
      const undo = asks.map((ask) => ({ ...ask, path: ask.path.replace(/lock$/, "unlock") }))
      return { ...world.behind.held(), asks, afterwards: [...asks, ...undo] }
    }
  },
  {
    ...{ point: "D26", how: "fails", what: "what the log tells of containers cannot be kept" },
    trial: (world) => ({ ...world.behind.away("containers"), asks: [run(world.server)] }),
    leaves: ["JobAccepted", "JobFinished"]
  }
]

export const effects = [...kept, ...named, ...sealed, ...vaults, ...outside, ...written]
