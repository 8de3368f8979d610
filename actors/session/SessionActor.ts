/** The actor of one session: its state machine on its stream. What the session does in the world is its worker's. */
import { Effect } from "effect"
import { stream } from "../../events/Envelope.js"
import type { SessionId } from "../../events/Ids.js"
import { read, type SessionEvent } from "../../events/Session.js"
import type * as Actor from "../../src/kernel/Actor.js"
import * as Deciding from "./Deciding.js"
import * as Folding from "./Folding.js"
import * as Session from "./Session.js"

export type SessionActor = Actor.Actor<Session.State, Session.Command, Session.Rejected>

/** `born`: its stream does not exist yet. */
export const definition = (
  session: SessionId,
  born: boolean
): Actor.Definition<Session.State, Session.Command, SessionEvent, Session.Rejected> => ({
  stream: stream("session", session),
  by: "sessions",
  capacity: 64,
  initial: Session.initial,
  decide: Deciding.decide,
  evolve: Folding.evolve,
  read,
  react: () => Effect.void,
  done: Session.done,
  born
})
