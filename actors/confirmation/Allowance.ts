/** How much may be asked and guessed under one key: eight digits and five attempts are little, without end they are not. */
import { Effect } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { Held } from "../../src/guards/HumanConfirmed.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { ConfirmationTable } from "../../src/projections/ConfirmationTable.js"

const HOUR = 3_600_000_000

/** A device's six digits and three steps: 20 guesses a day find the code in 140 years, half the time. */
const allowed = { asked: { most: 60, within: HOUR }, missed: { most: 20, within: 24 * HOUR } } as const

const over = (table: typeof ConfirmationTable.Service, what: Held["over"], key: PublicKey, now: number) => {
  const { most, within } = allowed[what]
  return Effect.map(table[what](key, now - within), ({ count, since }) =>
    count >= most ? { over: what, until: Math.max(now + 1, since + within) } : undefined
  )
}

/** Undefined: go on. What was missed holds answers too, what was asked only further asking. */
export const heldOf = (
  table: typeof ConfirmationTable.Service,
  key: PublicKey,
  answering: boolean,
  now: number
): Effect.Effect<Held | undefined, LogUnavailable> =>
  Effect.flatMap(over(table, "missed", key, now), (held) =>
    held !== undefined || answering ? Effect.succeed(held) : over(table, "asked", key, now)
  )
