/** Permits for tests, issued by the real guards on facts that pass. */
import { Either } from "effect"
import type { Limits } from "../../events/Container.js"
import type { ContainerId, JobId, PublicKey } from "../../events/Ids.js"
import { containerSealed } from "../../src/guards/ContainerSealed.js"
import { resourceOwned } from "../../src/guards/ResourceOwned.js"
import { seal } from "../guards/points.js"

export const sealed = (container: ContainerId, limits: Limits) => {
  const { cpuMillis, memoryBytes, pids } = limits
  const shown = seal({ memory: String(memoryBytes), cpu: String(cpuMillis), pids: String(pids) })
  return Either.getOrThrow(containerSealed.decide({ container, seal: shown, limits, weak: [] }))
}

export const owned = (actor: PublicKey, job: JobId) =>
  Either.getOrThrow(resourceOwned.decide({ kind: "job", actor, resource: job, owner: actor }))
