/** Claims on a pool, and what it looks like once it has come to rest. */
import { Deferred, Effect, FiberId } from "effect"
import type { Claimed, PoolStatus } from "../../actors/pool/Pools.js"
import { jobId, owner } from "../support/history.js"
import { ann, becomes, limits, type System } from "./world.js"

export const claim = (n: number, vcpu = 1) => ({
  claimant: { _tag: "Job", job: jobId(n) } as const,
  owner: n % 2 === 0 ? ann : owner("bob-0001"),
  limits: { ...limits, memoryBytes: vcpu * limits.memoryBytes }
})

/** A body that says when it has its container, and keeps it until it is told to go. */
export const held = Effect.sync(() => {
  const has = Deferred.unsafeMake<Claimed>(FiberId.none)
  const go = Deferred.unsafeMake<void>(FiberId.none)
  const body = (claimed: Claimed) => Effect.zipRight(Deferred.succeed(has, claimed), Deferred.await(go))
  return { has: Deferred.await(has), go: Deferred.succeed(go, undefined), body }
})

export const settled = ({ status }: System, expected: Partial<PoolStatus>) =>
  becomes(
    Effect.map(status, (now) => Object.entries(expected).every(([key, value]) => Reflect.get(now, key) === value))
  )

/** As it is when nobody wants anything. */
export const full = { idle: 2, busy: 0, spawning: 0, waiting: 0 }
