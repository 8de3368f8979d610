/** A later look at a container that was gone and not empty: who is in its control group now, by the kernel's own word. */
import { readdir, readFile, readlink } from "node:fs/promises"
import { Effect, Option } from "effect"
import type { Seal } from "../Substrate.js"

/** A group of the container's own; the other hierarchies have it in a group of somebody else's. */
const OWN = /:\/(?:.*\/)?unsandbox-[^/]+\/[^/]+$/

const groupsOf = (text: string, separator: string): ReadonlyArray<string> =>
  text.split(separator).filter((line) => OWN.test(line))

const WIDTH = 32

const isGone = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")

/** Empty: there is no such process any more. Rejects when that cannot be known. */
const groupsText = (pid: string): Promise<string> =>
  readFile(`/proc/${pid}/cgroup`, "utf8").catch((error: unknown) => (isGone(error) ? "" : Promise.reject(error)))

/** A process that is gone by the time that it is looked at is in no group. */
const isOf = (own: ReadonlyArray<string>, namespace: string | undefined) => (pid: string) =>
  Effect.gen(function* () {
    const groups = yield* Effect.tryPromise(() => groupsText(pid))
    if (!groupsOf(groups, "\n").some((line) => own.includes(line))) return false
    // A spawner that was started since may have given the group to another container: its namespace is another.
    const found = yield* Effect.option(Effect.tryPromise(() => readlink(`/proc/${pid}/ns/pid`)))
    return Option.isNone(found) || namespace === undefined || found.value === `pid:[${namespace}]`
  })

/** Null when nobody can look: it had no group of its own, or /proc cannot be read. */
export const left = (seal: Seal): Effect.Effect<number | null> =>
  Effect.gen(function* () {
    const own = groupsOf(seal.get("cgroup") ?? "", ";")
    if (own.length === 0) return null
    const listed = yield* Effect.option(Effect.tryPromise(() => readdir("/proc")))
    if (Option.isNone(listed)) return null
    const pids = listed.value.filter((name) => /^\d+$/.test(name))
    const members = yield* Effect.option(Effect.filter(pids, isOf(own, seal.get("ns.pid")), { concurrency: WIDTH }))
    return Option.isNone(members) ? null : members.value.length
  })
