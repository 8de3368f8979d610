/** What is done with sessions and services that there are: frozen, changed, read, put back, visited, deleted. */

import { request as open } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import type { Answer } from "../support/client.js"
import { answerOf } from "../support/client.js"
import type { Calls } from "./Calls.js"
import { type Order, order } from "./Orders.js"
import type { Random } from "./Random.js"
import { only, pathOf, type Thing } from "./World.js"

export const FILE = "/srv/mark"
const ANSWERS_WITHIN = 30_000

export const freeze: Order = { name: "freeze", method: "POST", verb: "/freeze", body: {}, to: "frozen" }
export const unfreeze: Order = { name: "unfreeze", method: "POST", verb: "/unfreeze", body: {}, to: "running" }
export const lock: Order = { name: "lock", method: "POST", verb: "/lock", body: {}, locked: true }
export const unlock: Order = { name: "unlock", method: "POST", verb: "/unlock", body: {}, locked: false }
export const extend: Order = { name: "extend", method: "POST", verb: "/extend", body: { ttl: 3_600 } }
export const unboost: Order = { name: "unboost", method: "POST", verb: "/unboost", body: {} }
export const boost = (vcpu: number): Order => ({ name: "boost", method: "POST", verb: "/boost", body: { vcpu } })
export const resize = (vcpu: number): Order => ({
  ...{ name: "resize", method: "POST", verb: "/resize", body: { vcpu } },
  undoing: true
})
export const redeploy: Order = {
  ...{ name: "redeploy", method: "POST", verb: "/redeploy", body: {} },
  ...{ to: "running", undoing: true }
}
export const remove: Order = { name: "delete", method: "DELETE", verb: "", to: "gone", undoing: true }
export const restore = (snapshot: Thing): Order => ({
  ...{ name: "restore", method: "POST", at: pathOf(snapshot), verb: "/restore", body: {} },
  ...{ to: "running", marks: snapshot.marks, undoing: true }
})

const command = (name: string, line: string, more: Partial<Order> = {}): Order => ({
  ...{ name, method: "POST", verb: "/execute", body: { command: line } },
  ...more
})

/** Undefined: it was not acknowledged that it ran to its end. */
const ran = (calls: Calls, one: Thing, line: string, start: number, answer: Answer | undefined): string | undefined => {
  if (answer === undefined) return undefined
  if (answer.json.exit_code === 0) return String(answer.json.stdout)
  if (!calls.troubles.since(start) && !one.tenant.suspended)
    calls.tally.violated(`${line} in ${one.id}: ${answer.text}`)
  return undefined
}

/** Whole or not at all, whatever is killed meanwhile. */
export const write = async (calls: Calls, one: Thing, mark: string): Promise<void> => {
  const start = performance.now()
  const line = `echo ${mark} > ${FILE}.new && mv ${FILE}.new ${FILE}`
  const before = new Set(one.marks)
  const answer = await order(calls, one, command("write", line, { marks: new Set([mark]) }))
  // It may have run although it was not seen to its end.
  if (answer !== undefined && ran(calls, one, line, start, answer) === undefined) one.marks = new Set([...before, mark])
}

const says = (calls: Calls, one: Thing, found: string, how: string): void => {
  if (!one.marks.has(found))
    calls.tally.violated(`${one.id} should say ${[...one.marks].join(" or ")}, and ${how} ${JSON.stringify(found)}`)
  one.marks = new Set([found])
}

export const read = async (calls: Calls, one: Thing): Promise<void> => {
  const start = performance.now()
  const line = `cat ${FILE} 2>/dev/null || [ ! -e ${FILE} ]`
  const answer = await order(calls, one, command("read", line))
  const found = ran(calls, one, line, start, answer)
  if (found !== undefined) says(calls, one, found.trim(), "says")
}

const fetched = (url: URL): Promise<Answer | undefined> => {
  const headers = { host: url.host, connection: "close" }
  const sent = open({ host: "127.0.0.1", port: url.port, path: "/", headers, agent: false, timeout: ANSWERS_WITHIN })
  sent.on("timeout", () => sent.destroy())
  const answer = answerOf(sent).catch(() => undefined)
  sent.end()
  return answer
}

/** As any visitor does; one that is frozen and wakes on demand is awake afterwards. */
export const visit = async (calls: Calls, one: Thing): Promise<void> => {
  const { url } = await calls.up()
  const start = performance.now()
  // Where the public face is changes with each start; the service's name does not.
  const at = await calls.look(one.tenant, `/services/${one.id}`)
  calls.tally.did("visit")
  if (at.status !== 200 || url === "") return
  if (one.wakes && one.may.has("frozen")) one.may.add("running")
  const before = new Set(one.may)
  const served = only(before, "running") || (one.wakes && !before.has("failed") && !before.has("gone"))
  for (const deadline = start + ANSWERS_WITHIN; ; await sleep(200)) {
    const answer = await fetched(new URL(String(at.json.url)))
    if (answer?.status === 200) return says(calls, one, answer.text, "shows")
    if (
      !served ||
      one.restarting ||
      calls.troubles.since(start) ||
      one.tenant.slots !== undefined ||
      one.tenant.suspended
    )
      return
    if (performance.now() < deadline) continue
    calls.tally.violated(
      `${one.id} (${[...before].join(" or ")}) is not served: ${answer?.status} ${answer?.text.slice(0, 300)}`
    )
    return
  }
}

const contended: ReadonlyArray<Order> = [freeze, unfreeze, freeze, unfreeze, lock, unlock, command("execute", "true")]

/** Several orders about one thing at one time: any of them may be the last. */
export const race = async (calls: Calls, one: Thing, chance: Random): Promise<void> => {
  const own = one.kind === "session" ? [boost(2), unboost, extend] : [redeploy, resize(2), resize(1)]
  const last = chance.chance(0.2) ? [remove, remove] : []
  if (last.length > 0) one.may.add("gone")
  const chosen = Array.from(
    { length: 2 + chance.under(3) },
    () => chance.one([...contended, ...own, ...last]) ?? freeze
  )
  for (const standing of ["running", "frozen"] as const) one.may.add(standing)
  for (const locked of [true, false]) one.locked.add(locked)
  await Promise.all(chosen.map((each) => order(calls, one, { ...each, name: `race ${each.name}`, raced: true })))
}
