/**
 * New names: milliseconds first, then randomness. What is made together stands together in every index, so that a
 * commit writes a few pages instead of one a row (measured: 42 pages a run with names that were random throughout).
 */
import { randomBytes } from "node:crypto"
import { ChallengeId, ContainerId, ImageId, JobId, ServiceId, SessionId, SnapshotId } from "../events/Ids.js"

const TIME_DIGITS = 12

const name = (millis: number, randomDigits: number): string =>
  Math.trunc(millis).toString(16).padStart(TIME_DIGITS, "0").slice(-TIME_DIGITS) +
  randomBytes(randomDigits / 2).toString("hex")

export const jobId = (millis: number): JobId => JobId.make(`unsb-job-${name(millis, 20)}`)

export const containerId = (millis: number): ContainerId => ContainerId.make(`unsb-vm-${name(millis, 12)}`)

/** Its owner's own, and few: no order in time is needed. */
export const serviceId = (): ServiceId => ServiceId.make(`unsb-service-${randomBytes(8).toString("hex")}`)

/** Whoever has it may speak to the session's shell, so all of it is random. */
export const sessionId = (): SessionId => SessionId.make(`unsb-session-${randomBytes(16).toString("hex")}`)

/** Four groups of four digits, as clients print them; unlisted images are known by theirs alone. */
const groups = (): string =>
  randomBytes(8)
    .toString("hex")
    .replace(/(?=(?:.{4})+$)/g, "-")

export const snapshotId = (): SnapshotId => SnapshotId.make(`unsb-snapshot${groups()}`)

export const imageId = (): ImageId => ImageId.make(`unsb-image${groups()}`)

/** Told to whoever asks, and of no use without its code. */
export const challengeId = (): ChallengeId => ChallengeId.make(`unsb-challenge-${randomBytes(16).toString("hex")}`)

/** For a service that its owner did not name. */
export const serviceName = (): string => `s-${randomBytes(6).toString("hex")}`
