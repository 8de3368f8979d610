/** What a caller may write of the child key that its service is to have: true, or what of its own the child may have. */
import { Either, Schema } from "effect"
import { Limits, Scope, scopes, Tier } from "../../events/Grants.js"
import { limitNames, type Wanted } from "./Descent.js"
import { absent, bad, isText, type Read } from "./Order.js"
import { quote } from "./Quote.js"

const NONE = new Set<unknown>([false, "false", "", 0, "0"])
const ALL = new Set<unknown>([true, "true", 1, "1"])

const isTier = Schema.is(Tier)
const isScope = Schema.is(Scope)
const isLimits = Schema.is(Schema.partialWith(Limits, { exact: true }))

const names = ["tier", "scopes", ...limitNames.map(([, name]) => name)]

const wrong = (message: string) => bad("child_key", message)

const tierOf = (value: unknown): Read<Pick<Wanted, "tier">> => {
  if (absent(value)) return Either.right({})
  const tier = typeof value === "number" ? String(value) : value
  return isTier(tier)
    ? Either.right({ tier })
    : wrong("child_key.tier must be free, 1 to 32, or unlimited, and no more than your own key has.")
}

const scopesOf = (value: unknown): Read<Pick<Wanted, "scopes">> => {
  if (absent(value)) return Either.right({})
  const list = isText(value) ? value.split(",").map((one) => one.trim()) : value
  return Array.isArray(list) && list.length > 0 && list.every(isScope)
    ? Either.right({ scopes: [...new Set(list)] })
    : wrong(`child_key.scopes must be some of ${scopes.join(", ")}.`)
}

const limitsOf = (given: ReadonlyMap<string, unknown>): Read<Pick<Wanted, "limits">> => {
  const said = limitNames.filter(([, name]) => !absent(given.get(name)))
  const limits: unknown = Object.fromEntries(said.map(([limit, name]) => [limit, given.get(name)]))
  if (!isLimits(limits)) return wrong(`child_key: ${said.map(([, name]) => name).join(", ")} must be whole numbers.`)
  return Either.right(said.length === 0 ? {} : { limits })
}

/** A misspelt limit would be none, so unknown ones are refused. */
const read = (value: object): Read<Wanted> => {
  const given = new Map<string, unknown>(Object.entries(value))
  const unknown = [...given.keys()].find((name) => !names.includes(name))
  if (unknown !== undefined) return wrong(`child_key knows no ${quote(unknown)}, only ${names.join(", ")}.`)
  return Either.map(
    Either.all([tierOf(given.get("tier")), scopesOf(given.get("scopes")), limitsOf(given)]),
    ([tier, scopes, limits]) => ({ ...tier, ...scopes, ...limits })
  )
}

/** Undefined: it is to have none. */
export const childKeyOf = (value: unknown): Read<Wanted | undefined> => {
  if (absent(value) || NONE.has(value)) return Either.right(undefined)
  if (ALL.has(value)) return Either.right({})
  if (typeof value === "object" && !Array.isArray(value)) return read(value)
  return wrong('child_key must be true, or an object such as {"scopes": ["execute"], "concurrency": 1}.')
}
