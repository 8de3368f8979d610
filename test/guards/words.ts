/** What each point says when it refuses: a table's row, and how it is held against the point. */
import { Either } from "effect"
import { expect, it } from "vitest"
import type { DecisionPoint } from "../../events/Ids.js"
import { denials } from "../../src/guards/Denials.js"
import type { Reason } from "../../src/guards/Guard.js"
import { points } from "./points.js"

export interface Case {
  readonly of: DecisionPoint
  readonly changes: object
  readonly code: string
  readonly status: number
  /** All of these, in this order. */
  readonly says: ReadonlyArray<string>
  readonly rest?: Partial<Reason>
  /** An earlier point has always said so already. */
  readonly unheard?: true
}

export const row = (of: DecisionPoint) => points.find(({ point }) => point === of) ?? expect.fail(`no row for ${of}`)

/** The code, the status and the details whole; the message by what it must name. */
export const says = (cases: ReadonlyArray<Case>): void => {
  for (const { changes, code, of, rest = {}, says, status, unheard } of cases)
    it(`${of} says ${code}: ${says[0]}`, () => {
      const point = row(of)
      const { certainty, reason } = Either.getOrThrow(Either.flip(point.decide({ ...point.facts, ...changes })))
      const { message, ...told } = reason
      expect(told).toStrictEqual({ code, status, ...rest })
      // What is told of the point elsewhere is what it does.
      if (certainty === "refused" && unheard !== true) expect(denials[of].codes).toMatchObject({ [code]: status })
      expect(certainty).toBe(rest.uncertain === true ? "uncertain" : "refused")
      let from = 0
      for (const part of says) {
        expect(message.slice(from)).toContain(part)
        from = message.indexOf(part, from) + part.length
      }
    })
}
