/** D22: does the state machine allow this command in the state that the thing is in? */
import { flag, text } from "./Fact.js"
import { Permit, type Reason, type Refused } from "./Guard.js"

interface Transition {
  readonly resource: string
  readonly command: string
  readonly state: string
  /** What the actor's `decide` said. */
  readonly legal: boolean
}

const illegal = ({ command, resource, state }: Omit<Transition, "legal">): Reason => ({
  code: "illegal_transition",
  message: `${resource} cannot ${command.toLowerCase()}: it is ${state.toLowerCase()}. Read its state and ask again.`,
  status: 409,
  details: { command, state }
})

export const transitionLegal = Permit.guard("D22", {
  name: "transition-legal",
  claim: "the state machine allows the command in the present state",
  known: { resource: text, command: text, state: text, legal: flag },
  rule: (transition: Transition) => transition.legal || illegal(transition)
})

/** An actor's rejection, told as a refusal. */
export const refuseRejected = (
  resource: string,
  rejected: { readonly command: string; readonly in: string }
): Refused => transitionLegal.refuse(illegal({ resource, command: rejected.command, state: rejected.in }))
