/** How a submission becomes a job: let in while there is room, planned, and accepted in the log. */
import { Effect, Either, Exit } from "effect"
import type { JobId, PublicKey } from "../../events/Ids.js"
import type { JobAccepted } from "../../events/Job.js"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import { enforce } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import * as Actor from "../../src/kernel/Actor.js"
import type { Children } from "../../src/kernel/Children.js"
import * as Plan from "../../src/languages/Plan.js"
import { Toolchains } from "../../src/languages/Toolchains.js"
import { EventLog } from "../../src/log/EventLog.js"
import { digestOf } from "../../src/store/Digest.js"
import type { Lease } from "../key/Slots.js"
import * as Minting from "../Minting.js"
import * as Job from "./Job.js"
import * as JobActor from "./JobActor.js"
import type { Submission } from "./Jobs.js"
import * as Living from "./Living.js"

export interface Planned extends Submission {
  readonly plan: Plan.Plan
}

const full = (message: string) =>
  capacityAvailable.refuse({ code: "queue_full", message, status: 503, retryAfterSeconds: 2 })
const tooMuch = full("The programs that wait take all the memory for them.")
const tooMany = full("Too many jobs wait or run.")

export const bytesOf = ({ files, order }: Submission): number =>
  files.facts.files.reduce((sum, { content }) => sum + content.length, order.facts.code.length)

export const accepted = (job: JobId, submission: Submission): Omit<JobAccepted, "_tag"> => {
  const { awaited, detected, files, idempotency, network, order, owner, runnable } = submission
  const { code, ttlMillis, vcpu, wantsArtifacts, wantsWasm } = order.facts
  const source = Buffer.from(code)
  return {
    job,
    owner,
    language: runnable.facts.language,
    detected,
    network: network.facts.mode,
    ttlMillis,
    vcpu,
    code: { digest: digestOf(source), bytes: source.length },
    inputs: files.facts.files.map(({ content, name }) => ({ name, digest: digestOf(content), bytes: content.length })),
    wantsArtifacts,
    wantsWasm,
    awaited,
    idempotency
  }
}

export const make = (living: Living.Living, children: Children) =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const log = yield* EventLog
    const refusals = yield* Refusals
    const toolchains = yield* Toolchains

    const planned = (submission: Submission): Effect.Effect<Planned> => {
      const { code, env, wantsWasm: wasm } = submission.order.facts
      const toolchain = toolchains.available.get(submission.runnable.facts.language)
      if (toolchain === undefined) return Effect.dieMessage("a runnable language has a toolchain")
      return Effect.succeed({ ...submission, plan: Plan.plan(toolchain, code, { wasm, env }) })
    }

    const drop = (live: Living.Live, refused: typeof tooMany) => {
      living.forget(live, Exit.fail(refused))
      const told = enforce(Either.left(refused), { principal: live.owner, action: "run a job" })
      return Effect.provideService(told, Refusals, refusals)
    }

    /** It holds its room, and its actor runs, until it is forgotten and its actor stopped. */
    const admit = (owner: PublicKey, bytes: number, lease?: Lease) =>
      Effect.suspend(() => {
        const job = Minting.jobId(clock.unsafeCurrentTimeMillis())
        const actor = Actor.on(log, JobActor.definition(job, true))
        const live = Living.live({ job, owner, actor, bytes, lease })
        if (!living.admit(live)) return drop(live, tooMuch)
        return Effect.flatMap(children.start(job, actor.run, actor.stop), (begun) =>
          begun ? Effect.succeed(live) : drop(live, tooMany)
        )
      })

    /** Resolves once the acceptance is durable. */
    const accept = (live: Living.Live, accepted: Omit<JobAccepted, "_tag">, trace: string) =>
      live.actor.commit(Job.Command.Accept({ accepted }), { by: live.owner, trace }).pipe(
        Effect.tap(({ rows }) => {
          live.createdAt = rows[0]?.at ?? 0
        })
      )

    return { planned, admit, accept }
  })
