/** What the kernel and the disk have of an instance, beyond what its warm containers need. */
import { readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { cgroupsOf, membranesOf } from "../support/leftovers.js"

/** Of the services' public face; nobody else's on this host. */
export const PUBLIC_PORTS = { first: 42_000, last: 42_099 }
const LISTENS = "0A"

type Remains = (warm: number) => ReadonlyArray<string>

const beyond = (found: ReadonlyArray<string>, most: number) => (found.length <= most ? [] : found)

const entries = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory)
  } catch {
    // It was never needed.
    return []
  }
}

const occupied = (slot: string): boolean => {
  try {
    return readFileSync(join(slot, "cgroup.procs"), "utf8") !== ""
  } catch {
    // It went away while we looked.
    return false
  }
}

/** Directories are used again; what counts is whether anything is in them. */
const slots = (data: string): ReadonlyArray<string> => {
  const all = cgroupsOf(data).flatMap((path) => entries(path).map((name) => join(path, name)))
  return [...new Set(all.filter(occupied).map((path) => basename(path)))].filter((name) => /^c\d+$/.test(name))
}

const files = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ name, parentPath }) => join(parentPath, name))
  } catch {
    // It was never needed.
    return []
  }
}

export const mountsOf = (data: string): ReadonlyArray<string> =>
  readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(data))

const listening = (): ReadonlyArray<string> =>
  ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((table) => readFileSync(table, "utf8").split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === LISTENS)
    .map(([, local = ""]) => Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16))
    .filter((port) => port >= PUBLIC_PORTS.first && port <= PUBLIC_PORTS.last)
    .map(String)

/** Empty lists, once everything is deleted and the pools are full. */
export const remains = (data: string): Readonly<Record<string, Remains>> => ({
  process: (warm) => beyond(membranesOf(data).map(String), 1 + warm),
  cgroup: (warm) => beyond(slots(data), warm),
  mount: () => mountsOf(data),
  root: () => entries(join(data, "volumes")),
  "layer half made": () => ["unfinished", "clones"].flatMap((name) => files(join(data, "layers", name))),
  log: () => entries(join(data, "logs")),
  recording: () => entries(join(data, "recordings")),
  "public port": listening
})
