/** Requests to one container that are answered, one at a time: the spawner's failures do not say which request they answer. */
import { Effect } from "effect"
import { type SubstrateError, SubstrateFailed } from "../Substrate.js"
import type { Reply } from "./Reply.js"
import type { Request } from "./Request.js"

interface Call {
  readonly request: Request
  readonly answer: Reply["_tag"]
  readonly done: (outcome: Effect.Effect<Reply, SubstrateError>) => void
}

const ETIMEDOUT = 110

export class Calls {
  private readonly line: Array<Call> = []

  /** What the next answer or failure is about. */
  get first(): Call | undefined {
    return this.line[0]
  }

  /** Gets in line. `send`: it is the first, and so to be sent now. `leave`: nobody waits for it any more. */
  add(request: Request, answer: Reply["_tag"], millis: number, resume: Call["done"]) {
    const stage = request._tag.toLowerCase()
    const timer = setTimeout(() => {
      leave()
      resume(Effect.fail(new SubstrateFailed({ stage, errno: ETIMEDOUT, message: `no answer in ${millis} ms` })))
    }, millis)
    const call: Call = {
      request,
      answer,
      done: (outcome) => {
        clearTimeout(timer)
        resume(outcome)
      }
    }
    const leave = () => {
      clearTimeout(timer)
      // The first was sent, and its answer will still come: it keeps its place.
      if (this.line.indexOf(call) > 0) this.line.splice(this.line.indexOf(call), 1)
    }
    this.line.push(call)
    return { send: this.line.length === 1, leave }
  }

  /** Ends the first; what comes after it is to be sent. */
  next(outcome: Effect.Effect<Reply, SubstrateError>): Request | undefined {
    this.line.shift()?.done(outcome)
    return this.line[0]?.request
  }

  end(why: SubstrateError): void {
    for (const call of this.line.splice(0)) call.done(Effect.fail(why))
  }
}
