/** A terminal from its opening to its end: typed into, dropped, connected to again where it was left; nothing is lost. */
import { connect } from "../support/shell.js"
import type { Calls } from "./Calls.js"
import { order } from "./Orders.js"
import { remove } from "./Places.js"
import type { Random } from "./Random.js"
import { type Tenant, type Thing, thing, type World } from "./World.js"

const LINES = 300
const counting = `for i in $(seq ${LINES}); do echo n-$i; done; echo END-$((2+2))\n`
const SHOWN_WITHIN = 30_000

const numbers = (shown: string) => [...shown.matchAll(/^n-(\d+)\r?$/gm)].map(([, number]) => Number(number))

const whole = (shown: string): boolean => {
  const found = numbers(shown)
  return found.length === LINES && found.every((number, index) => number === index + 1)
}

const typed = async (at: string, chance: Random): Promise<string | undefined> => {
  const first = await connect(at)
  try {
    await first.sees("$ ", SHOWN_WITHIN)
    const had = first.bytes()
    first.type(counting)
    if (chance.chance(0.5)) await first.sees("n-1", SHOWN_WITHIN)
    first.socket.terminate()
    const second = await connect(at, `?since=${had}`)
    try {
      const shown = await second.sees("END-4", SHOWN_WITHIN)
      return whole(shown) ? undefined : `shows ${numbers(shown).length} lines of ${LINES}`
    } finally {
      second.socket.terminate()
    }
  } finally {
    first.socket.terminate()
  }
}

/** Left alone it ends by itself, so it is nothing that an actor goes on with. */
export const terminal = async (calls: Calls, world: World, tenant: Tenant, chance: Random): Promise<void> => {
  const start = performance.now()
  const { answer } = await calls.ask(tenant, "POST", "/sessions", {})
  calls.tally.did("terminal")
  if (answer === undefined || answer.status >= 500) world.lost += 1
  if (answer === undefined || answer.status >= 300) return
  const one: Thing = world.add(thing("session", String(answer.json.session_id), tenant))
  one.may.add("gone")
  const wrong = await typed(String(answer.json.websocket_url), chance).catch((error: unknown) => String(error))
  if (wrong !== undefined && !calls.troubles.since(start) && !tenant.suspended)
    calls.tally.violated(`the terminal of ${one.id}: ${wrong}`)
  const deleted = await order(calls, one, remove)
  if (deleted !== undefined) world.bury(one)
}
