/** Who used the CPU: the server, the spawner, or what ran in the containers. */
import { Effect } from "effect"
import { childrenOf, cpuOf } from "./Machine.js"

/** Milliseconds of CPU, by who used them, since `before` was taken. */
export interface Split {
  readonly server: { readonly user: number; readonly system: number }
  readonly spawner: { readonly user: number; readonly system: number }
  readonly containers: { readonly user: number; readonly system: number }
}

const sample = (pid: number) => {
  const own = cpuOf(pid)
  const children = childrenOf(pid).map(cpuOf)
  const sum = (key: keyof typeof own) => children.reduce((total, child) => total + child[key], 0)
  return {
    server: { user: own.user, system: own.system },
    spawner: { user: sum("user"), system: sum("system") },
    containers: { user: sum("reapedUser"), system: sum("reapedSystem") }
  }
}

/** The containers' processes are children of the spawner's children: their time is the spawner's once they are reaped. */
export const cpu = <A, E, R>(pid: number, run: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = sample(pid)
    const value = yield* run
    const after = sample(pid)
    const since = (of: keyof Split) => ({
      user: after[of].user - before[of].user,
      system: after[of].system - before[of].system
    })
    const split: Split = { server: since("server"), spawner: since("spawner"), containers: since("containers") }
    return [split, value] as const
  })
