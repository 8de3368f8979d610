/** Permits for tests, issued by the real guards on facts that pass. */
import { Either } from "effect"
import type { Limits } from "../../events/Container.js"
import type { ContainerId, JobId, PublicKey } from "../../events/Ids.js"
import { containerSealed } from "../../src/guards/ContainerSealed.js"
import { resourceOwned } from "../../src/guards/ResourceOwned.js"

const namespaces = ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"]
const none = "0000000000000000"

/** What a kernel shows of a container that is as it should be. */
export const sealOf = (limits: Limits): ReadonlyMap<string, string> =>
  new Map([
    ["pid", "4321"],
    ["uid", "1879049192,1879049192,1879049192,1879049192"],
    ["gid", "1879049192,1879049192,1879049192,1879049192"],
    ["groups", ""],
    ...["capinh", "capprm", "capeff", "capbnd", "capamb"].map((set): [string, string] => [set, none]),
    ["nonewprivs", "1"],
    ["seccomp", "2"],
    ...namespaces.map((name, index): [string, string] => [`ns.${name}`, String(4026532000 + index)]),
    ...namespaces.map((name, index): [string, string] => [`host.${name}`, String(4026531000 + index)]),
    ["uidmap", "0 1879048192 65536"],
    ["gidmap", "0 1879048192 65536"],
    ["net", "lo"],
    ["cgroup", "/unsandbox-test/s0"],
    ["memory", String(limits.memoryBytes)],
    ["swap", "0"],
    ["cpu", String(limits.cpuMillis)],
    ["pids", String(limits.pids)]
  ])

export const sealed = (container: ContainerId, limits: Limits) =>
  Either.getOrThrow(containerSealed.decide({ container, seal: sealOf(limits), limits, weak: [] }))

export const owned = (actor: PublicKey, job: JobId) =>
  Either.getOrThrow(resourceOwned.decide({ actor, resource: job, owner: actor }))
