/** What a sealed container looks like in the kernel's own words: every departure from it is a flaw. */
import type { Limits } from "../../events/Container.js"

type Facts = ReadonlyMap<string, string>

interface Specification {
  readonly limits: Limits
  readonly weak: ReadonlyArray<string>
  readonly others: ReadonlySet<string>
}

interface Flaw {
  readonly what: string
  /** The fact is missing or unreadable: nobody can tell, as opposed to it being wrong. */
  readonly unknown: boolean
}

const PAGE = 4096
const CAPABILITIES = ["capinh", "capprm", "capeff", "capbnd", "capamb"] as const
const NAMESPACES = ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"] as const

const wrong = (what: string): Flaw => ({ what, unknown: false })
const unknown = (key: string): Flaw => ({ what: `${key} is not known`, unknown: true })

/** The value of `key` when it has the form; otherwise undefined, and that is a flaw of its own. */
const read = (facts: Facts, key: string, form: RegExp): string | undefined => {
  const value = facts.get(key)
  return value !== undefined && form.test(value) ? value : undefined
}

const exactly = (facts: Facts, key: string, form: RegExp, wanted: string): ReadonlyArray<Flaw> => {
  const value = read(facts, key, form)
  if (value === undefined) return [unknown(key)]
  return value === wanted ? [] : [wrong(`${key} is ${value}, not ${wanted}`)]
}

const capabilities = (facts: Facts): ReadonlyArray<Flaw> =>
  CAPABILITIES.flatMap((key) => {
    const value = read(facts, key, /^[0-9a-f]{1,16}$/)
    if (value === undefined) return [unknown(key)]
    return /^0+$/.test(value) ? [] : [wrong(`${key} is ${value}, not empty`)]
  })

const namespaces = (facts: Facts, others: ReadonlySet<string>): ReadonlyArray<Flaw> =>
  NAMESPACES.flatMap((name) => {
    const own = read(facts, `ns.${name}`, /^[1-9][0-9]*$/)
    const host = read(facts, `host.${name}`, /^[1-9][0-9]*$/)
    if (own === undefined) return [unknown(`ns.${name}`)]
    if (host === undefined) return [unknown(`host.${name}`)]
    if (own === host) return [wrong(`the ${name} namespace is the host's`)]
    return others.has(own) ? [wrong(`the ${name} namespace is another container's`)] : []
  })

const MAP = /^\s*(0|[1-9][0-9]*)\s+(0|[1-9][0-9]*)\s+([1-9][0-9]*)\s*$/

/** All four ids (real, effective, saved, file system) alike, none of them root on the host, inside what is mapped. */
const ids = (facts: Facts, key: "uid" | "gid"): ReadonlyArray<Flaw> => {
  const four = read(facts, key, /^[0-9]+(?:[\s,]+[0-9]+){3}$/)
    ?.split(/[\s,]+/)
    .map(Number)
  const map = MAP.exec(facts.get(`${key}map`) ?? "")
  if (four === undefined) return [unknown(key)]
  if (map === null) return [unknown(`${key}map`)]
  const [inside, outside, count] = [Number(map[1]), Number(map[2]), Number(map[3])]
  return four.flatMap((id) => {
    if (id === 0) return [wrong(`${key} is root on the host`)]
    if (id < outside || id >= outside + count) return [wrong(`${key} ${id} is outside its range`)]
    // Root inside would own the namespace.
    return inside + id - outside === 0 ? [wrong(`${key} is root inside`)] : []
  })
}

/** How the driver's words for a weakness begin, by what they excuse. */
const EXCUSES = {
  memory: ["memory limit:"],
  swap: ["swap limit:", "memory limit:"],
  cpu: ["cpu limit:"],
  pids: ["process limit:", "pids limit:"],
  groups: ["groups:"]
} as const
type Limited = "memory" | "swap" | "cpu" | "pids"

const accepted = (weak: ReadonlyArray<string>, what: keyof typeof EXCUSES) =>
  EXCUSES[what].some((beginning) => weak.some((text) => text.startsWith(beginning)))

/** A limit that could not be had stands as `none`, and only passes where the operator accepted that very weakness. */
const limit = (
  facts: Facts,
  key: Limited,
  weak: ReadonlyArray<string>,
  holds: (value: number) => boolean
): ReadonlyArray<Flaw> => {
  const value = read(facts, key, /^(?:none|-1|0|[1-9][0-9]*)$/)
  if (value === undefined) return [unknown(key)]
  if (value !== "none") return holds(Number(value)) ? [] : [wrong(`the ${key} limit is ${value}`)]
  return accepted(weak, key) ? [] : [wrong(`there is no ${key} limit`)]
}

const limits = (facts: Facts, { limits: { cpuMillis, memoryBytes, pids }, weak }: Specification) => [
  // The kernel counts memory in pages.
  ...limit(facts, "memory", weak, (bytes) => bytes === memoryBytes - (memoryBytes % PAGE)),
  // -1: this host has no swap to limit.
  ...limit(facts, "swap", weak, (bytes) => bytes === 0 || bytes === -1),
  // Quotas are whole microseconds a period.
  ...limit(facts, "cpu", weak, (millis) => Math.abs(millis - cpuMillis) * 100 <= cpuMillis),
  ...limit(facts, "pids", weak, (count) => count === pids)
]

/** A group of the container's own, below one of ours: limits bind only who is in the group that they were read from. */
const OWN = /\/unsandbox-[^/]+\/[^/]+$/

/** Lines as in /proc/PID/cgroup, `;`-joined: `hierarchy:controllers:path`; the unified hierarchy governs what no other does. */
const cgroup = (facts: Facts): ReadonlyArray<Flaw> => {
  const lines = (facts.get("cgroup") ?? "").split(";").map((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    return { controllers: controllers?.split(","), path }
  })
  const readable = lines.every(({ path }) => path !== undefined)
  const path = (controller: string) =>
    (
      lines.find((line) => line.controllers?.includes(controller)) ??
      lines.find((line) => line.controllers?.includes(""))
    )?.path
  return (["memory", "cpu", "pids"] as const).flatMap((controller) => {
    if (facts.get(controller) === "none") return []
    const own = readable ? path(controller) : undefined
    if (own === undefined) return [unknown(`the ${controller} cgroup`)]
    return OWN.test(own) ? [] : [wrong(`its ${controller} cgroup is ${own}`)]
  })
}

const groups = (facts: Facts, weak: ReadonlyArray<string>): ReadonlyArray<Flaw> => {
  const value = read(facts, "groups", /^[\d\s]*$/)
  if (value === undefined) return [unknown("groups")]
  return value.trim() === "" || accepted(weak, "groups")
    ? []
    : [wrong(`it has the supplementary groups ${value.trim()}`)]
}

/** Empty when the container is sealed. */
export const flaws = (facts: Facts, specification: Specification): ReadonlyArray<Flaw> => [
  ...(read(facts, "pid", /^[1-9][0-9]*$/) === undefined ? [unknown("pid")] : []),
  ...ids(facts, "uid"),
  ...ids(facts, "gid"),
  ...groups(facts, specification.weak),
  ...capabilities(facts),
  ...exactly(facts, "nonewprivs", /^[0-9]+$/, "1"),
  ...exactly(facts, "seccomp", /^[0-9]+$/, "2"),
  ...namespaces(facts, specification.others),
  ...exactly(facts, "net", /^[\w.@:,-]+$/, "lo"),
  ...limits(facts, specification),
  ...cgroup(facts)
]
