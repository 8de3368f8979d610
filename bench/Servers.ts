/** Servers of the benchmark's own, and what they say of themselves. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import * as Client from "../src/cli/Client.js"
import * as ServerProcess from "../src/cli/ServerProcess.js"

export const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "unsandbox-bench-"))),
  (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
)

/** A server of the benchmark's own; requests may wait as long as a full queue takes. */
export const server = Effect.fnUntraced(function* (pool: string, data?: string, more: ReadonlyArray<string> = []) {
  const chosen = data ?? (yield* directory)
  return yield* ServerProcess.start({
    data: chosen,
    arguments: ["--pool", `zerotrust=${pool}`, "--queue", "10m", "--confirm", "off", ...more],
    readyWithinMillis: 120_000
  })
})

export interface PoolView {
  readonly idle: number
  readonly claim_p50_ms: number
  readonly claim_p99_ms: number
}

const number = (value: unknown): number => (typeof value === "number" ? value : 0)

export const pool = Effect.fnUntraced(function* (of: Client.Credentials) {
  const { body } = yield* Client.call(of, { method: "GET", path: "/pools" })
  const pools = Array.isArray(body.pools) ? body.pools : []
  const first: Readonly<Record<string, unknown>> =
    pools.find((one) => String(one.id).includes("zerotrust")) ?? pools[0] ?? {}
  const view: PoolView = {
    idle: number(first.available),
    claim_p50_ms: number(first.claim_p50_ms),
    claim_p99_ms: number(first.claim_p99_ms)
  }
  return view
})
