/** What the figures were measured on, and what the kernel says about memory and processes. */
import { readFileSync } from "node:fs"
import { arch, cpus, loadavg, release, totalmem } from "node:os"

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memory_gb: number
  readonly kernel: string
  readonly arch: string
  readonly node: string
  /** Load average of the minute before: what else ran here. Figures of a busy machine are not comparable. */
  readonly load_before: number
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memory_gb: Math.round(totalmem() / 1024 ** 3),
  kernel: release(),
  arch: arch(),
  node: process.version,
  load_before: loadavg()[0] ?? 0
})

/** A line of /proc/meminfo, in KiB. */
export const memoryKb = (name: "MemAvailable" | "Slab"): number => {
  const line = readFileSync("/proc/meminfo", "utf8")
    .split("\n")
    .find((text) => text.startsWith(`${name}:`))
  return Number(line?.replace(/\D+/g, "") ?? 0)
}

/** CPU time in milliseconds; `reaped` is that of ended children. */
export interface Cpu {
  readonly user: number
  readonly system: number
  readonly reapedUser: number
  readonly reapedSystem: number
}

/** Linux counts process times in hundredths of a second, whatever its own tick is. */
const TICK_MILLIS = 10

/** Zeros for a process that is gone. */
export const cpuOf = (pid: number): Cpu => {
  const stat = readOr(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [user = 0, system = 0, reapedUser = 0, reapedSystem = 0] = fields
    .slice(11, 15)
    .map((n) => Number(n) * TICK_MILLIS)
  return { user, system, reapedUser, reapedSystem }
}

export const childrenOf = (pid: number): ReadonlyArray<number> =>
  readOr(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number)

export const residentKb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0)

/** Of a process and all below it, in KiB; what several of them share is counted once. */
export const familyKb = (pid: number): number => {
  const own = Number(/^Pss:\s+(\d+)/m.exec(readOr(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)
  return childrenOf(pid).reduce((sum, child) => sum + familyKb(child), own)
}

const readOr = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
