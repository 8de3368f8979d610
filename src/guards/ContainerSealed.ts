/** D23: is the container, as the kernel shows it, what was specified? Before any tenant's code runs in it. */
import type { Limits } from "../../events/Container.js"
import { dictionary, list, maybe, natural, positive, struct, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"
import * as Seal from "./Seal.js"

export interface SealRead {
  readonly container: string
  /** Read back from the kernel, never echoed from the request. */
  readonly seal: ReadonlyMap<string, string>
  /** As they were asked for. */
  readonly limits: Limits
  /** Weaknesses of this host that the operator accepted, in the driver's words. */
  readonly weak: ReadonlyArray<string>
  /** Namespace numbers of the other living containers, where they are at hand. */
  readonly others?: ReadonlySet<string>
}

export interface Sealed {
  readonly container: string
  readonly limits: Limits
  readonly pid: string
}

const rule = ({ limits, others, seal, weak }: SealRead): true | Reason => {
  const flaws = Seal.flaws(seal, { limits, weak, others: others ?? new Set() })
  if (flaws.length === 0) return true
  const uncertain = flaws.every((flaw) => flaw.unknown)
  return {
    code: "container_unsealed",
    message:
      "The container is not what was specified, so nothing runs in it. `unsandbox doctor` says what this host lacks.",
    status: 503,
    retryAfterSeconds: 1,
    note: flaws.map((flaw) => flaw.what).join("; "),
    ...(uncertain ? { uncertain } : {})
  }
}

export const containerSealed = Permit.guard("D23", {
  name: "container-sealed",
  claim: "namespaces, ids, capabilities, seccomp, limits and network were read back and match the specification",
  known: {
    container: text,
    seal: dictionary((value) => typeof value === "string"),
    limits: struct<Limits>({ memoryBytes: positive, cpuMillis: positive, pids: positive, tmpBytes: natural }),
    weak: list(text),
    others: maybe((value) => value instanceof Set)
  },
  rule,
  carries: ({ container, limits: { cpuMillis, memoryBytes, pids, tmpBytes }, seal }): Sealed => ({
    container,
    limits: Object.freeze({ memoryBytes, cpuMillis, pids, tmpBytes }),
    pid: seal.get("pid") ?? ""
  })
})
