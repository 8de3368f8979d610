/** Vaults filled, emptied and read by those who own their services. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Effect, Either } from "effect"
import type { Owned } from "../../../actors/service/Services.js"
import { print, vaultWellformed } from "../../guards/VaultOrder.js"
import type { Variables } from "../../guards/VaultVariables.js"
import type { ServiceView } from "../../projections/ServiceTable.js"
import { Api } from "../Api.js"
import type * as Asking from "../Asking.js"
import * as Normalise from "../Normalise.js"
import * as Problem from "../Problem.js"
import * as Answer from "../wire/Answer.js"
import * as OwnKeys from "./OwnKeys.js"
import * as ServiceRoutes from "./ServiceRoutes.js"

type One = ServiceRoutes.One

const statusOf = ({ vault }: ServiceView) => {
  const names = vault?.names ?? []
  const has = names.length > 0
  const at = vault === null ? 0 : Math.floor(vault.at / 1_000_000)
  return {
    has_vault: has,
    exists: has,
    count: names.length,
    variable_count: names.length,
    names,
    egress: vault?.egress ?? {},
    updated_at: at,
    env: {}
  }
}

/** Clients wrap variables in `env` or `content`, as text or as an object, or send them bare. */
const unwrapped = (fields: Normalise.Fields) => {
  const inner = fields.env ?? fields.content
  if (typeof inner === "string" && Object.keys(fields).length === 1) return { text: inner }
  if (typeof inner === "object" && inner !== null) return { variables: inner }
  return { variables: fields }
}

const make = Effect.gen(function* () {
  const { changing, consented, guarding, own, services } = yield* ServiceRoutes.make
  const handing = yield* OwnKeys.make

  const read = Effect.fnUntraced(function* (owned: Owned) {
    const variables = yield* services.unsealed(owned)
    const text = print(variables)
    return { env: text, content: text, count: Object.keys(variables).length }
  })

  /** One client asks for the values here. */
  const status = Effect.fnUntraced(function* (
    one: One & { readonly urlParams: { readonly format?: string | undefined } }
  ) {
    const { owned, view } = yield* own(one)
    return one.urlParams.format === "export" ? yield* read(owned) : statusOf(view)
  }, Effect.mapError(Problem.of))

  const written = (asking: Asking.Asking) =>
    Effect.gen(function* () {
      const json = asking.headers["content-type"]?.toLowerCase().includes("json") === true
      if (json) return unwrapped(yield* guarding.fields(asking))
      const text = Either.mapLeft(Normalise.text(asking.caller.body), vaultWellformed.refuse)
      return { text: yield* guarding.judge(text, asking) }
    })

  const put = Effect.fnUntraced(function* (one: One) {
    const { asking, owned, unlocked, view } = yield* changing(one)
    const now = { network: view.network, marked: view.vault?.egress ?? {} }
    const order = vaultWellformed.decide({ ...(yield* written(asking)), ...now })
    const { facts } = yield* guarding.judge(order, asking)
    yield* handing({ env: facts.variables }, asking)
    // What was in it is gone then.
    const weight = (view.vault?.names.length ?? 0) > 0 ? "grave" : "plain"
    yield* services.seal(owned, unlocked, yield* consented(weight, view, asking), facts.variables)
    const count = Object.keys(facts.variables).length
    const message = `${count} variable${count === 1 ? " is" : "s are"} in the vault, for what is started from now on`
    return Answer.json({ count, message, success: true })
  }, Effect.mapError(Problem.of))

  const without = (variables: Variables, keys: unknown): Variables => {
    if (!Array.isArray(keys) || keys.length === 0) return {}
    const gone = new Set(keys.map(String))
    return Object.fromEntries(Object.entries(variables).filter(([name]) => !gone.has(name)))
  }

  const remove = Effect.fnUntraced(function* (one: One) {
    const { asking, owned, unlocked, view } = yield* changing(one)
    const { keys } = yield* guarding.fields(asking)
    const some = Array.isArray(keys) && keys.length > 0
    // All of it: that must go also where it cannot be opened any more.
    const left = some ? without(yield* services.unsealed(owned), keys) : {}
    yield* services.seal(owned, unlocked, yield* consented("grave", view, asking), left)
    const deleted = (view.vault?.names.length ?? 0) - Object.keys(left).length
    return { status: "deleted", success: true, deleted }
  }, Effect.mapError(Problem.of))

  const exported = Effect.fnUntraced(function* (one: One) {
    return yield* read((yield* own(one)).owned)
  }, Effect.mapError(Problem.of))

  return { status, put, remove, exported }
})

export const VaultLive = HttpApiBuilder.group(Api, "vault", (handlers) =>
  Effect.map(make, ({ exported, put, remove, status }) =>
    handlers
      .handle("status", status)
      .handleRaw("put", put)
      .handleRaw("post", put)
      .handle("delete", remove)
      .handle("export", exported)
  )
)
