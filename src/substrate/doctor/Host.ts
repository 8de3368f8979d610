/** What the machine must have: Node, descriptors, memory, room on the disk. */
import { existsSync } from "node:fs"
import { access, constants, statfs } from "node:fs/promises"
import { dirname } from "node:path"
import { Effect } from "effect"
import { contents, type Finding, fine, missing } from "./Finding.js"

const MIB = 1024 * 1024
const NODE = 20
/** Three descriptors for a running command, and room for a thousand clients. */
const DESCRIPTORS = 4096
const MEMORY = 512 * MIB
const DISK = 256 * MIB

const size = (bytes: number) =>
  bytes >= 10 * 1024 * MIB ? `${Math.floor(bytes / 1024 / MIB)} GiB` : `${Math.floor(bytes / MIB)} MiB`

export const node = (version: string): Finding =>
  Number(version.split(".")[0]) >= NODE
    ? fine("node", version)
    : missing("node", version, `install Node ${NODE} or later (https://nodejs.org, or nodesource's packages)`)

/** `limits` is /proc/self/limits. */
export const descriptors = (limits: string | undefined): Finding => {
  const [, soft = "0", hard = "0"] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits ?? "") ?? []
  const enough = hard === "unlimited" || Number(hard) >= DESCRIPTORS
  const detail = `${soft}, up to ${hard}`
  const fix = `raise it to ${DESCRIPTORS} at least: LimitNOFILE= in the unit, \`ulimit -Hn\`, or /etc/security/limits.conf`
  return enough ? fine("open files", detail) : missing("open files", detail, fix)
}

/** `meminfo` is /proc/meminfo. */
export const memory = (meminfo: string | undefined): Finding => {
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo ?? "")?.[1] ?? 0) * 1024
  const fix = `free some: ${size(MEMORY)} at least, and what the commands themselves use`
  return available >= MEMORY
    ? fine("memory", `${size(available)} available`)
    : missing("memory", `${size(available)} available`, fix)
}

/** The directory, or the nearest one above it that is there. */
export const nearest = (path: string): string =>
  existsSync(path) || path === dirname(path) ? path : nearest(dirname(path))

const disk = (data: string): Effect.Effect<Finding> =>
  Effect.gen(function* () {
    const place = nearest(data)
    yield* Effect.tryPromise(() => access(place, constants.W_OK))
    const { bavail, bsize } = yield* Effect.tryPromise(() => statfs(place))
    const detail = `${size(bavail * bsize)} free in ${place}`
    if (bavail * bsize >= DISK) return fine("disk", detail)
    return missing("disk", detail, "free some space there, or choose another with --data DIR")
  }).pipe(
    Effect.catchAll(() =>
      Effect.succeed(
        missing("disk", `${data} cannot be written to`, "choose another with --data DIR, or change its owner")
      )
    )
  )

export const examine = (data: string): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    return [
      node(process.versions.node),
      descriptors(yield* contents("/proc/self/limits")),
      memory(yield* contents("/proc/meminfo")),
      yield* disk(data)
    ]
  })
