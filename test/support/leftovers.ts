/** What a server may have left on this host: looked up from outside, by the name that its data directory gives it. */
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const CGROUPS = "/sys/fs/cgroup"

const instanceOf = (data: string): string => createHash("sha256").update(resolve(data)).digest("hex").slice(0, 12)

const listed = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory)
  } catch {
    // It went away while we looked.
    return []
  }
}

/** Directories of this instance, in every hierarchy. */
export const cgroupsOf = (data: string): ReadonlyArray<string> => {
  const name = `unsandbox-${instanceOf(data)}`
  const below = (directory: string, depth: number): ReadonlyArray<string> =>
    listed(directory).flatMap((entry) => {
      const path = join(directory, entry)
      if (entry.startsWith(name)) return [path, ...below(path, depth + 1)]
      return depth < 3 ? below(path, depth + 1) : []
    })
  return below(CGROUPS, 0)
}

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
  } catch {
    return ""
  }
}

const processIds = () => listed("/proc").filter((entry) => /^\d+$/.test(entry))

/** Those with such words in their command line. */
export const processesWith = (words: string): ReadonlyArray<number> =>
  processIds()
    .filter((pid) => commandOf(pid).includes(words))
    .map(Number)

/** Processes of the spawner and of the inits that it cloned: they share its command line. */
export const membranesOf = (data: string): ReadonlyArray<number> => processesWith(`--name ${instanceOf(data)}`)

const parentOf = (pid: number): number => {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
  } catch {
    // It ended while we looked.
    return Number.NaN
  }
}

/** The spawner itself: the membrane that no other one made. Process ids begin anew at some point, so the lowest says nothing. */
export const spawnerOf = (data: string): number | undefined => {
  const found = membranesOf(data)
  const parents = new Map(found.map((pid) => [pid, parentOf(pid)]))
  return found.find((pid) => {
    const parent = parents.get(pid) ?? Number.NaN
    return !Number.isNaN(parent) && !found.includes(parent)
  })
}

/** One that has ended meanwhile, as a helper does whose container was killed just before, is fine. */
export const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error
  }
}
