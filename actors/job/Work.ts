/** What an accepted job does: waits for a container of its own, runs there, and says how that ended. */
import { Effect } from "effect"
import type { Limits } from "../../events/Container.js"
import type { JobId } from "../../events/Ids.js"
import type { Plan } from "../../src/languages/Plan.js"
import type { Claimed, Pools } from "../pool/Pools.js"
import { why } from "../Why.js"
import * as Done from "./Done.js"
import * as Execution from "./Execution.js"
import type { Submission } from "./Jobs.js"

export interface Options {
  readonly pools: typeof Pools.Service
  readonly limits: (vcpu: number) => Limits
  readonly outputCap: number
}

/** A container may be lost between shelf and claimer; nothing ran in it, so the next one may do. */
const OTHERS = 3

/**
 * Fails only for want of a container; interrupting it gives the container up. `started` is run when the job has a
 * container of its own, before anything runs in it.
 */
export const perform = (
  options: Options,
  job: JobId,
  submission: Submission & { readonly plan: Plan },
  started: (claimed: Claimed) => Effect.Effect<unknown>
) => {
  const { files, network, order, owner, plan } = submission
  const { stdin, ttlMillis, vcpu, wantsArtifacts, wantsWasm } = order.facts
  const task: Execution.Task = {
    plan,
    stdin,
    inputs: files.facts.files,
    ttlMillis,
    outputCap: options.outputCap,
    wantsArtifacts: wantsArtifacts || wantsWasm
  }
  const claim = { claimant: { _tag: "Job", job } as const, owner, limits: options.limits(vcpu) }
  const run = (claimed: Claimed) =>
    Effect.matchEffect(Effect.zipRight(started(claimed), Execution.execute(claimed, task)), {
      onSuccess: (result) => Effect.succeed(Done.ran(result, ttlMillis, plan)),
      // Also when its end was asked for before it had begun: `gone`, so that it can count as cancelled.
      onFailure: (error) => Effect.succeed<Done.Done>({ ...Done.unrun("failed", "node-lost", why(error)), gone: true })
    })
  const once = options.pools.use(network.facts.mode, claim, run)
  const upTo = (others: number): typeof once =>
    others === 0 ? once : Effect.catchTag(once, "ContainerLost", () => upTo(others - 1))
  return upTo(OTHERS)
}
