import { describe, it } from "vitest"
import * as Done from "../../actors/job/Done.js"
import * as Job from "../../actors/job/Job.js"
import { ContainerId, JobId, PublicKey } from "../../events/Ids.js"
import type { JobEvent } from "../../events/Job.js"
import { digestOf } from "../../src/store/Digest.js"
import { spec } from "../support/given.js"
import { owned } from "../support/permits.js"

const job = JobId.make(`unsb-job-${"0".repeat(32)}`)
const other = JobId.make(`unsb-job-${"1".repeat(32)}`)
const owner = PublicKey.make("unsb-pk-test-0000-0000-0001")
const stranger = PublicKey.make("unsb-pk-test-0000-0000-0002")
const container = ContainerId.make("unsb-vm-0123456789abcdef")

const acceptance = {
  job,
  owner,
  language: "bash",
  detected: false,
  network: "zerotrust" as const,
  ttlMillis: 60_000,
  vcpu: 1,
  code: { digest: digestOf(Buffer.from("echo hi")), bytes: 7 },
  inputs: [],
  wantsArtifacts: false,
  wantsWasm: false,
  awaited: true,
  idempotency: null
}
const { ending } = Done.unrun("failed", "node-lost", "lost")
const { ending: cancellation } = Done.unrun("cancelled", "cancelled", "cancelled")

const accepted: JobEvent = { _tag: "JobAccepted", ...acceptance }
const started: JobEvent = { _tag: "JobStarted", job, container }
const finished: JobEvent = { _tag: "JobFinished", job, ...ending }
const cancelled: JobEvent = { _tag: "JobFinished", job, ...cancellation }

const { Accept, Cancel, Finish, Start } = Job.Command
const given = spec(Job)
const mine = owned(owner, job)

describe("job", () => {
  it("is accepted once", () =>
    given()
      .when(Accept({ accepted: acceptance }))
      .gives(accepted))
  it("is not accepted twice", () =>
    given(accepted)
      .when(Accept({ accepted: acceptance }))
      .rejects())
  it("starts when it waits", () => given(accepted).when(Start({ container })).gives(started))
  it("does not start twice", () => given(accepted, started).when(Start({ container })).rejects())
  it("does not start unaccepted", () => given().when(Start({ container })).rejects())
  it("finishes while running", () => given(accepted, started).when(Finish({ ending })).gives(finished))
  it("finishes while waiting", () => given(accepted).when(Finish({ ending })).gives(finished))
  it("does not finish unaccepted", () => given().when(Finish({ ending })).rejects())
  it("stays as it ended", () =>
    given(accepted, finished)
      .when(Finish({ ending: cancellation }))
      .gives())
  it("is cancelled by its owner while it waits", () =>
    given(accepted)
      .when(Cancel({ owned: mine, ending: cancellation }))
      .gives(cancelled))
  it("is cancelled by its owner while it runs", () =>
    given(accepted, started)
      .when(Cancel({ owned: mine, ending: cancellation }))
      .gives(cancelled))
  it("is not cancelled on a permit for another job", () =>
    given(accepted)
      .when(Cancel({ owned: owned(owner, other), ending: cancellation }))
      .rejects())
  it("is not cancelled by a key that owns another job", () =>
    given(accepted)
      .when(Cancel({ owned: owned(stranger, job), ending: cancellation }))
      .rejects())
  it("cannot be cancelled after its end", () =>
    given(accepted, finished)
      .when(Cancel({ owned: mine, ending: cancellation }))
      .gives())
})
