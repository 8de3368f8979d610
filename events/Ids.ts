/** Names of the things that have a history. */
import { Schema } from "effect"

export const JobId = Schema.String.pipe(Schema.pattern(/^unsb-job-[0-9a-f]{32}$/), Schema.brand("JobId"))
export type JobId = typeof JobId.Type

/** A container's life is one stream; ids are never reused. */
export const ContainerId = Schema.String.pipe(Schema.pattern(/^unsb-vm-[0-9a-f]{16,32}$/), Schema.brand("ContainerId"))
export type ContainerId = typeof ContainerId.Type

/** Whoever has it may speak to the session's shell: 128 random bits. */
export const SessionId = Schema.String.pipe(Schema.pattern(/^unsb-session-[0-9a-f]{32}$/), Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

export const ServiceId = Schema.String.pipe(Schema.pattern(/^unsb-service-[0-9a-f]{16}$/), Schema.brand("ServiceId"))
export type ServiceId = typeof ServiceId.Type

export const SnapshotId = Schema.String.pipe(
  Schema.pattern(/^unsb-snapshot(-[0-9a-f]{4}){4}$/),
  Schema.brand("SnapshotId")
)
export type SnapshotId = typeof SnapshotId.Type

export const ImageId = Schema.String.pipe(Schema.pattern(/^unsb-image(-[0-9a-f]{4}){4}$/), Schema.brand("ImageId"))
export type ImageId = typeof ImageId.Type

export const ChallengeId = Schema.String.pipe(
  Schema.pattern(/^unsb-challenge-[0-9a-f]{32}$/),
  Schema.brand("ChallengeId")
)
export type ChallengeId = typeof ChallengeId.Type

/** One pool a network mode. */
export const PoolId = Schema.Literal("zerotrust", "semitrusted")
export type PoolId = typeof PoolId.Type

/** A key is known by its public half. */
export const PublicKey = Schema.String.pipe(Schema.pattern(/^unsb-pk-[0-9a-z-]{4,64}$/), Schema.brand("PublicKey"))
export type PublicKey = typeof PublicKey.Type

/** `sha256:` and 64 hex digits: the address of a blob in the content-addressed store. */
export const Digest = Schema.String.pipe(Schema.pattern(/^sha256:[0-9a-f]{64}$/), Schema.brand("Digest"))
export type Digest = typeof Digest.Type

/** The 26 decision points, by number. */
export const DecisionPoint = Schema.Literal(
  ...(["D01", "D02", "D03", "D04", "D05", "D06", "D07", "D08", "D09", "D10", "D11", "D12", "D13"] as const),
  ...(["D14", "D15", "D16", "D17", "D18", "D19", "D20", "D21", "D22", "D23", "D24", "D25", "D26"] as const)
)
export type DecisionPoint = typeof DecisionPoint.Type

/** Microseconds since 1970, as events carry them. */
export const Micros = Schema.Int.pipe(Schema.nonNegative())
export type Micros = typeof Micros.Type
