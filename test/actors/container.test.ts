import { describe, it } from "vitest"
import * as Container from "../../actors/container/Container.js"
import type { ContainerEvent } from "../../events/Container.js"
import { ContainerId, Digest, JobId, PublicKey } from "../../events/Ids.js"
import { spec } from "../support/given.js"
import { sealed as sealedPermit } from "../support/permits.js"

const container = ContainerId.make("unsb-vm-0123456789abcdef")
const other = ContainerId.make("unsb-vm-fedcba9876543210")
const job = JobId.make(`unsb-job-${"0".repeat(32)}`)
const claimant = { _tag: "Job", job } as const
const owner = PublicKey.make("unsb-pk-test-0000-0000-0001")
const limits = { memoryBytes: 2 ** 31, cpuMillis: 1000, pids: 512, tmpBytes: 2 ** 29 }
const sealed = sealedPermit(container, limits)
const birth: Container.Birth = {
  container,
  pool: "zerotrust",
  limits,
  seal: Digest.make(`sha256:${"a".repeat(64)}`),
  hostPid: 4321,
  hostUid: 1879049192,
  cgroup: "/unsandbox-test/s0",
  spawnMicros: 900
}
const remains: Container.Remains = { ending: "finished", cpuMicros: 1, peakBytes: 2, left: 0 }

const born: ContainerEvent = { _tag: "ContainerSealed", ...birth }
const claimed: ContainerEvent = { _tag: "ContainerClaimed", container, claimant, owner, limits }
const gone = { _tag: "ContainerGone", container, ...remains } as const

const { Claim, Empty, End, Seal } = Container.Command
const given = spec(Container)

describe("container", () => {
  it("is sealed once", () => given().when(Seal({ birth, sealed })).gives(born))
  it("is not sealed twice", () => given(born).when(Seal({ birth, sealed })).rejects())
  it("is not sealed on another's permit", () =>
    given()
      .when(Seal({ birth, sealed: sealedPermit(other, limits) }))
      .rejects())
  it("is claimed when idle", () => given(born).when(Claim({ claimant, owner, limits, sealed })).gives(claimed))
  it("is never claimed twice", () => given(born, claimed).when(Claim({ claimant, owner, limits, sealed })).rejects())
  it("is not claimed on another's permit", () =>
    given(born)
      .when(Claim({ claimant, owner, limits, sealed: sealedPermit(other, limits) }))
      .rejects())
  it("is not claimed before it is sealed", () => given().when(Claim({ claimant, owner, limits, sealed })).rejects())
  it("ends idle", () => given(born).when(End({ remains })).gives(gone))
  it("ends claimed", () => given(born, claimed).when(End({ remains })).gives(gone))
  it("ends once", () => given(born, claimed, gone).when(End({ remains })).gives())
  it("need not have begun to end", () => given().when(End({ remains })).gives())
  it("that was gone but for some processes is empty once, when a later look shows it", () => {
    const left: ContainerEvent = { ...gone, left: 2 }
    given(born, claimed, left).when(Empty()).gives({ _tag: "ContainerEmptied", container })
    given(born, claimed, left, { _tag: "ContainerEmptied", container }).when(Empty()).gives()
    given(born, claimed, gone).when(Empty()).gives()
    given(born, claimed).when(Empty()).rejects()
  })
  it("stays gone", () => given(born, gone).when(Claim({ claimant, owner, limits, sealed })).rejects())
})
