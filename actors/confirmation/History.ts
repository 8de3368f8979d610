/** Challenges as actors: a command wakes the one that it is for; between commands they are rows of the log, and nothing else. */
import { Effect } from "effect"
import { read, readCode } from "../../events/Confirmation.js"
import { stream } from "../../events/Envelope.js"
import type { ChallengeId, PublicKey } from "../../events/Ids.js"
import * as History from "../../src/kernel/History.js"
import { type EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import * as Waking from "../Waking.js"
import * as Code from "./Code.js"
import * as Confirmation from "./Confirmation.js"

type Log = typeof EventLog.Service

const same = { by: "confirmations", capacity: 1, react: () => Effect.void, done: () => false } as const

const ofChallenge = (challenge: ChallengeId) => ({
  ...same,
  stream: stream("confirmation", challenge),
  initial: Confirmation.initial,
  decide: Confirmation.decide,
  evolve: Confirmation.evolve,
  read
})

const ofCode = (key: PublicKey, step: number) => ({
  ...same,
  stream: stream("confirmation", `totp/${key}/${step}`),
  initial: Code.initial,
  decide: Code.decide,
  evolve: Code.evolve,
  read: readCode
})

const answers = { NotAccepted: Waking.unanswered, OutcomeUnknown: Waking.unanswered }

/** The challenge after the command, durably. */
export const tell = (log: Log, challenge: ChallengeId, command: Confirmation.Command, by: PublicKey) =>
  Waking.wake(log, ofChallenge(challenge), command, { by }).pipe(
    Effect.map(({ state }) => state),
    Effect.catchTags(answers)
  )

/** The challenge as it stands. */
export const look = (log: Log, challenge: ChallengeId) =>
  History.replay(ofChallenge(challenge), log).pipe(
    Effect.map(({ state }) => state),
    Effect.catchTag("Unreadable", ({ reason }) => new LogUnavailable({ reason, written: "no", unread: "history" }))
  )

/** True for the first who uses this code, and for nobody else ever. */
export const use = (log: Log, key: PublicKey, step: number): Effect.Effect<boolean, LogUnavailable> =>
  Waking.wake(log, ofCode(key, step), { _tag: "Use", key, step }, { by: key }).pipe(
    Effect.as(true),
    Effect.catchTags({ ...answers, Rejected: () => Effect.succeed(false) })
  )
