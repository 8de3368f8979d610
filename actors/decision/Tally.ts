/** Refusals that wait to be told, alike ones counted as one, in order of first arrival. */
import type { DecisionEvent } from "../../events/Decision.js"
import type { DecisionPoint } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import type { Asked } from "../../src/guards/Refusals.js"

/**
 * Beyond this many different ones of a point, the rest is counted by point and certainty only: strangers need no key to
 * be refused, and must not fill the disk by it. In one append they also stay far below what the log takes at once.
 */
const DIFFERENT = 16

interface Told {
  /** Of the first one, in monotonic milliseconds. */
  readonly since: number
  readonly event: Omit<DecisionEvent, "count">
  count: number
}

const eventOf = ({ certainty, point, reason }: Refused, { action, principal }: Asked): Told["event"] => ({
  _tag: "Refused",
  point,
  principal: principal.slice(0, 80),
  action: action.slice(0, 200),
  certainty,
  reason: (reason.note === undefined ? reason.code : `${reason.code}: ${reason.note}`).slice(0, 500)
})

export const make = () => {
  const told = new Map<string, Told>()
  const different = new Map<DecisionPoint, number>()
  const differ = (point: DecisionPoint, by: number) => different.set(point, (different.get(point) ?? 0) + by)

  const add = (refused: Refused, asked: Asked, now: number) => {
    const event = eventOf(refused, asked)
    const { certainty, point } = refused
    const exact = [point, certainty, refused.reason.code, event.principal, event.action].join("\0")
    const full = (different.get(point) ?? 0) >= DIFFERENT && !told.has(exact)
    const key = full ? `${point}\0${certainty}` : exact
    const known = told.get(key)
    if (known !== undefined) {
      known.count += 1
      return
    }
    differ(point, 1)
    if (!full) told.set(key, { since: now, event, count: 1 })
    else told.set(key, { since: now, event: { ...event, principal: "", action: "(many)", reason: "(many)" }, count: 1 })
  }

  /** Takes what was first refused before `until`, a handful a point, except for points that are `busy`. */
  const take = (until: number, busy: (point: DecisionPoint) => boolean) => {
    const taken = new Map<DecisionPoint, Array<DecisionEvent>>()
    for (const [key, { count, event, since }] of told) {
      if (since > until) break
      const events = taken.get(event.point) ?? []
      if (busy(event.point)) continue
      told.delete(key)
      differ(event.point, -1)
      events.push({ ...event, count })
      taken.set(event.point, events)
    }
    return taken
  }

  const first = (): number | undefined => told.values().next().value?.since
  return { add, take, first, size: () => told.size }
}
