/** Looks whether what the server tells of a thing is something that may be, and that it does not stay between two states. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Answer } from "../support/client.js"
import type { Calls } from "./Calls.js"
import { pathOf, type Standing, type Thing } from "./World.js"

/** A service that keeps losing its containers pauses for up to a minute between two starts. */
const SETTLED_WITHIN = 120_000

const settled: Readonly<Record<string, Standing>> = { running: "running", frozen: "frozen", failed: "failed" }

const standingOf = ({ kind }: Thing, { json, status }: Answer): Standing | "unknown" | "between" => {
  if (status === 410) return "gone"
  if (status !== 200) return "unknown"
  if (kind === "snapshot" || kind === "image") return "kept"
  return settled[String(json.state)] ?? "between"
}

const wasBroken = (one: Thing, before: ReadonlySet<Standing>): ReadonlyArray<Standing> =>
  [...before].filter((standing) => (standing === "gone" && one.kind === "session") || standing === "failed")

/** Of what may be, only this is left; while something breaks, also what that may have made of it. */
export const becomes = (one: Thing, standing: Standing, disturbed: boolean): void => {
  const suspended = one.tenant.suspended && standing === "running"
  one.may = new Set([
    standing,
    ...(disturbed ? wasBroken(one, one.may) : []),
    ...(suspended ? ["frozen" as const] : [])
  ])
}

const steady = async (
  calls: Calls,
  one: Thing
): Promise<{ readonly answer: Answer; readonly seen: Standing | "unknown" }> => {
  for (const deadline = performance.now() + SETTLED_WITHIN; ; await sleep(100)) {
    const answer = await calls.look(one.tenant, pathOf(one))
    const seen = standingOf(one, answer)
    if (seen !== "between") return { answer, seen }
    if (performance.now() > deadline) throw new Error(`${one.id} is stuck: ${answer.text}`)
  }
}

/** What it is now; it is forgotten when it is gone. */
export const look = async (calls: Calls, bury: (one: Thing) => void, one: Thing): Promise<Standing | "unknown"> => {
  const start = performance.now()
  const may = new Set(one.may)
  const { answer, seen } = await steady(calls, one)
  const disturbed = calls.troubles.since(start)
  const allowed = [...new Set([...may, ...one.may])]
  if (seen === "unknown" || !allowed.includes(seen))
    calls.tally.violated(
      `${one.id} of ${one.tenant.name} may be ${allowed.join(" or ")}, and is ${seen}: ${answer.text}`
    )
  if (seen === "unknown") return seen
  if (seen === "gone") bury(one)
  const { locked } = answer.json
  if (typeof locked === "boolean" && !one.locked.has(locked))
    calls.tally.violated(`${one.id} is ${locked ? "" : "not "}locked: ${answer.text}`)
  if (typeof locked === "boolean") one.locked = new Set([locked])
  becomes(one, seen, disturbed)
  if (!disturbed) one.restarting = false
  return seen
}
