/** Health is shown, not claimed: a container is claimed from the pool and a real command runs in it. */
import { Effect, Fiber, Option, type Scope } from "effect"
import type { Limits } from "../../events/Container.js"
import { type PoolId, PublicKey } from "../../events/Ids.js"
import type { Command } from "../../src/substrate/Substrate.js"
import * as Minting from "../Minting.js"
import * as Monotonic from "../Monotonic.js"
import { why } from "../Why.js"
import type { Health, HealthCheck } from "./Health.js"
import { type Claimed, Pools } from "./Pools.js"

const WITHIN = "10 seconds"
const FRESH = "3 seconds"
const PROBE = "ok"

/** Whom the log names for the probes. */
const prober = PublicKey.make("unsb-pk-health")

const command: Command = {
  argv: ["/bin/sh", "-c", `echo ${PROBE}`],
  env: {},
  cwd: "/tmp",
  files: [],
  timeoutMillis: 5_000,
  outputCap: 64,
  final: true
}

const healthy = (millis: number): Health => ({ ok: true, millis })
const sick = (reason: string): Health => ({ ok: false, reason })

const ran = ({ container }: Claimed) =>
  Effect.map(container.run(command), ({ code, how, stdout }) => {
    const said = Buffer.from(stdout).toString().trim()
    return how === "exited" && code === 0 && said === PROBE ? undefined : `the probe ended with ${how} ${code}`
  })

/** Asked while a probe is under way, its answer is shared. */
export const make = (
  pool: PoolId,
  limits: Limits
): Effect.Effect<typeof HealthCheck.Service, never, Pools | Scope.Scope> =>
  Effect.gen(function* () {
    const pools = yield* Pools
    const probe = Effect.gen(function* () {
      const from = yield* Monotonic.millis
      const claimant = { _tag: "Job", job: Minting.jobId(from) } as const
      const fault = yield* pools.use(pool, { claimant, owner: prober, limits }, ran)
      const millis = Math.round((yield* Monotonic.millis) - from)
      return fault === undefined ? healthy(millis) : sick(fault)
    }).pipe(
      Effect.timeoutOption(WITHIN),
      Effect.map(Option.getOrElse(() => sick("no container ran a command within 10 s"))),
      Effect.catchAll((error) => Effect.succeed(sick(why(error))))
    )
    const scope = yield* Effect.scope
    // Others wait for the same answer: it does not go away with whoever asked first.
    const apart = Effect.flatMap(Effect.forkIn(Effect.interruptible(probe), scope), Fiber.join)
    return yield* Effect.cachedWithTTL(Effect.uninterruptible(apart), FRESH)
  })
