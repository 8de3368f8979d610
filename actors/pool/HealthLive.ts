/** Health is shown, not claimed: a container is claimed from the pool and a real command runs in it. */
import { randomBytes } from "node:crypto"
import { Clock, Effect, Option } from "effect"
import type { Limits } from "../../events/Container.js"
import { JobId, type PoolId, PublicKey } from "../../events/Ids.js"
import type { Health, HealthCheck } from "./Health.js"
import { Pools } from "./Pools.js"

const WITHIN = "10 seconds"
const FRESH = "3 seconds"
const PROBE = "ok"

/** Whom the log names for the probes. */
const prober = PublicKey.make("unsb-pk-health")

/** Asked while a probe is under way, its answer is shared. */
export const make = (pool: PoolId, limits: Limits): Effect.Effect<typeof HealthCheck.Service, never, Pools> =>
  Effect.gen(function* () {
    const pools = yield* Pools
    const probe = Effect.gen(function* () {
      const from = yield* Clock.currentTimeMillis
      const job = JobId.make(`unsb-job-${randomBytes(16).toString("hex")}`)
      const { container } = yield* pools.claim(pool, { job, owner: prober, limits })
      const ran = yield* container.run({
        argv: ["/bin/sh", "-c", `echo ${PROBE}`],
        env: {},
        cwd: "/tmp",
        files: [],
        timeoutMillis: 5_000,
        outputCap: 64,
        final: true
      })
      const said = Buffer.from(ran.stdout).toString().trim()
      const millis = (yield* Clock.currentTimeMillis) - from
      const health: Health =
        ran.how === "exited" && ran.code === 0 && said === PROBE
          ? { ok: true, millis }
          : { ok: false, reason: `the probe ended with ${ran.how} ${ran.code}` }
      return health
    }).pipe(
      Effect.scoped,
      Effect.timeoutOption(WITHIN),
      Effect.map(Option.getOrElse((): Health => ({ ok: false, reason: "no container ran a command within 10 s" }))),
      Effect.catchAll((error) => Effect.succeed<Health>({ ok: false, reason: error.message }))
    )
    return yield* Effect.cachedWithTTL(probe, FRESH)
  })
