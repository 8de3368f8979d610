/** What a request would do, in words for whoever is to confirm it: one line, and nothing that drives a terminal. */
import type { Action } from "../../src/guards/HumanConfirmed.js"

const things = new Map([
  ["services", "service"],
  ["snapshots", "snapshot"],
  ["images", "image"],
  ["sessions", "session"]
])

const verbs = new Map<string, (thing: string) => string>([
  ["DELETE ", (thing) => `${thing.startsWith("session") ? "end" : "destroy"} ${thing}`],
  ["POST unlock", (thing) => `unlock ${thing}`],
  ["POST redeploy", (thing) => `redeploy ${thing}`],
  ["POST transfer", (thing) => `give ${thing} to another key`],
  ["DELETE env", (thing) => `delete the variables of ${thing}`]
])

// biome-ignore lint/suspicious/noControlCharactersInRegex: these would end the line, or drive a terminal
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g
const LONGEST = 200

const plain = (text: string): string => text.replace(control, " ").slice(0, LONGEST)

export const inWords = ({ method, path }: Pick<Action, "method" | "path">): string => {
  const [, kind = "", id = "", verb = "", ...rest] = (path.split("?")[0] ?? "").split("/")
  const thing = things.get(kind)
  const said = verbs.get(`${method} ${verb}`)
  const known = thing !== undefined && said !== undefined && /^[\w-]{1,100}$/.test(id) && rest.length === 0
  return known ? said(`${thing} ${id}`) : plain(`${method} ${path}`)
}
