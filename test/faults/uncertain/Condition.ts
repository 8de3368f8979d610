/** Something that a decision rests on, broken, with what is asked meanwhile and what has to come of it. */
import type { DecisionPoint } from "../../../events/Ids.js"
import type { Broken } from "../../support/behind.js"
import type { Answer, Target } from "../../support/client.js"
import type { World } from "./World.js"

export interface Ask {
  readonly method: string
  readonly path: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  /** The server's first key when it is not said. */
  readonly as?: Target
}

export interface Trial extends Broken {
  readonly asks: ReadonlyArray<Ask>
  /** Asked when all is mended, and then it is done. What was asked for meanwhile, when it is not said. */
  readonly afterwards?: ReadonlyArray<Ask>
}

export interface Condition {
  /** Whose facts are broken. */
  readonly point: DecisionPoint
  readonly how: "fails" | "hangs" | "returns nothing" | "returns garbage" | "lies about time"
  readonly what: string
  /** `mark`: what makes the paths of its requests others than those of the other conditions. */
  readonly trial: (world: World, mark: string) => Trial | Promise<Trial>
  /** Who refuses, where that is one that rests on the same and is asked before (or after, on better knowledge). */
  readonly by?: DecisionPoint
  /** Who may refuse instead: the first failure of the log is known to all that rest on it. */
  readonly or?: ReadonlyArray<DecisionPoint>
  /** Nothing is uncertain about this: it is what the point says when it knows. */
  readonly certain?: { readonly status: number; readonly why: string }
  /** Where the answer is not that of the API. */
  readonly refuses?: (answer: Answer) => void
  /** In the words of the log; the request's method and path when it is not said. */
  readonly action?: (ask: Ask, world: World) => string
  /** Types of events that a refusal leaves by right, such as those of a job that was accepted and never ran. */
  readonly leaves?: ReadonlyArray<string>
}

/** A key's row is read again when an event has changed it: so it is garbled first, and then changed. */
export const ofKey = ({ behind: { sql }, operator }: World, key: Target, change: string): Broken => {
  const where = `key = '${key.publicKey}'`
  // Whichever it is, the event must not put right what is garbled.
  const touched = () => (change.includes("SET confirm") ? operator.extend(key) : operator.confirm(key, "always"))
  return {
    breaks: async () => {
      sql(`CREATE TABLE kept AS SELECT * FROM keys WHERE ${where}; ${change} WHERE ${where}`)
      await touched()
    },
    mends: async () => {
      sql("INSERT OR REPLACE INTO keys SELECT * FROM kept; DROP TABLE kept")
      await operator.confirm(key, "always")
      await operator.confirm(key, "off")
    }
  }
}

export const run = (as: Target): Ask => ({
  method: "POST",
  path: "/execute",
  body: { language: "bash", code: "true" },
  as
})
