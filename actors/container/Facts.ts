/** What the kernel showed of a container, in the words of the log: its birth, its limits and its end. */
import { createHash } from "node:crypto"
import type { Ending, Limits } from "../../events/Container.js"
import { type ContainerId, Digest, type PoolId } from "../../events/Ids.js"
import type { Gone, Seal } from "../../src/substrate/Substrate.js"
import * as Life from "./Container.js"

const whole = (seal: Seal, key: string): number => {
  const value = Number.parseInt(seal.get(key) ?? "", 10)
  return Number.isSafeInteger(value) && value >= 0 ? value : 0
}

const digestOf = (seal: Seal): Digest => {
  const hash = createHash("sha256")
  for (const [key, value] of seal) hash.update(`${key}=${value}\n`)
  return Digest.make(`sha256:${hash.digest("hex")}`)
}

interface Born {
  readonly id: ContainerId
  readonly pool: PoolId
  readonly limits: Limits
  readonly seal: Seal
  readonly spawnMillis: number
}

export const birthOf = ({ id, limits, pool, seal, spawnMillis }: Born): Life.Birth => ({
  container: id,
  pool,
  limits,
  seal: digestOf(seal),
  hostPid: whole(seal, "pid"),
  hostUid: whole(seal, "uid"),
  cgroup: seal.get("cgroup") ?? "",
  spawnMicros: Math.round(spawnMillis * 1000)
})

const endings = { "timed-out": "ttl", oom: "oom", died: "died", shutdown: "shutdown", lost: "node-lost" } as const

export const endOf = ({ cpuMicros, left, peakBytes, reason }: Gone, asked: Ending) =>
  Life.Command.End({ remains: { ending: reason === "asked" ? asked : endings[reason], cpuMicros, peakBytes, left } })

/** What a container has now, where the kernel counts it. */
export const limitsOf = (seal: Seal, known: Limits): Limits => ({
  memoryBytes: whole(seal, "memory") || known.memoryBytes,
  cpuMillis: whole(seal, "cpu") || known.cpuMillis,
  pids: whole(seal, "pids") || known.pids,
  tmpBytes: known.tmpBytes
})
