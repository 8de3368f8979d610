/** `unsandbox keys`: pairs are made, shown, limited, suspended, resumed and revoked, with a server or without one. */
import { Args, Command, Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { usage } from "../Failure.js"
import { json, place } from "../Options.js"
import * as Output from "../Output.js"
import * as KeyGrants from "./keys/KeyGrants.js"
import { desk, expiry, argument as key, known, one } from "./keys/KeyPlace.js"
import * as KeyTelling from "./keys/KeyTelling.js"

const reason = Options.text("reason").pipe(Options.withDefault("asked"), Options.withDescription("Kept in the log"))

const perhaps = <A, B, E>(given: Option.Option<A>, otherwise: B, of: (value: A) => Effect.Effect<B, E>) =>
  Option.match(given, { onNone: (): Effect.Effect<B, E> => Effect.succeed(otherwise), onSome: of })

const create = Command.make(
  "create",
  {
    place,
    json,
    label: Options.text("label").pipe(Options.withDefault(""), Options.withDescription("What the key is for")),
    parent: Options.text("parent").pipe(
      Options.optional,
      Options.withDescription("The key whose child it is: it has no more than that one, and is revoked with it")
    ),
    expires: Options.text("expires").pipe(
      Options.optional,
      Options.withDescription("For example 30d; never without it, or with its parent")
    ),
    confirm: Options.text("confirm").pipe(
      Options.optional,
      Options.withDescription("on, off or always: what of its calls waits for a person (as the server is set)")
    ),
    grants: KeyGrants.grants
  },
  (given) =>
    Effect.gen(function* () {
      const order = {
        label: given.label,
        parent: yield* perhaps(given.parent, null, known),
        expiresAt: yield* perhaps(given.expires, null, expiry),
        grants: yield* KeyGrants.wanted(given.grants)
      }
      const confirm = yield* perhaps(given.confirm, undefined, KeyGrants.confirmation)
      const keys = yield* desk(given.place)
      const pair = yield* keys.create(confirm === undefined ? order : { ...order, confirm })
      if (confirm !== undefined) yield* KeyGrants.explain(confirm)
      if (given.json) return yield* Output.json({ public_key: pair.publicKey, secret_key: pair.secretKey })
      yield* Output.line(`public key  ${pair.publicKey}\nsecret key  ${pair.secretKey}`)
      yield* Output.note("The secret is not shown again.")
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Make a key pair; its secret is shown this once"))

const list = Command.make("list", { place, json }, (given) =>
  Effect.gen(function* () {
    const all = yield* (yield* desk(given.place)).list
    if (given.json) return yield* Output.json({ keys: all.map(KeyTelling.document), count: all.length })
    yield* Output.line(KeyTelling.table(all))
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Show every key there ever was"))

const tree = Command.make("tree", { place, json }, (given) =>
  Effect.gen(function* () {
    const all = KeyTelling.lineage(yield* (yield* desk(given.place)).list)
    yield* given.json ? Output.json({ keys: all.map(KeyTelling.branches) }) : Output.line(KeyTelling.draw(all))
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Show which key descends from which"))

const show = Command.make("show", { place, json, key }, (given) =>
  Effect.gen(function* () {
    const name = yield* known(given.key)
    const found = yield* one(yield* (yield* desk(given.place)).list, name)
    yield* given.json ? Output.json(KeyTelling.whole(found)) : Output.line(KeyTelling.text(found))
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Show a key with all that it may have"))

const extend = Command.make(
  "extend",
  {
    place,
    json,
    key,
    expires: Options.text("expires").pipe(Options.withDescription("From now on, for example 30d; or never"))
  },
  (given) =>
    Effect.gen(function* () {
      const name = yield* known(given.key)
      const expiresAt = yield* expiry(given.expires)
      yield* (yield* desk(given.place)).extend(name, expiresAt)
      const at = KeyTelling.iso(expiresAt)
      yield* given.json ? Output.json({ public_key: name, expires_at: at }) : Output.line(`${name} expires ${at}`)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Set when a key expires"))

const limit = Command.make("limit", { place, json, key, grants: KeyGrants.grants }, (given) =>
  Effect.gen(function* () {
    const name = yield* known(given.key)
    const wanted = yield* KeyGrants.wanted(given.grants)
    if (Object.keys(wanted).length === 0) return yield* usage("name what to change, for example --rpm 60")
    const keys = yield* desk(given.place)
    yield* keys.limit(name, wanted)
    const now = yield* one(yield* keys.list, name)
    yield* given.json ? Output.json(KeyTelling.whole(now)) : Output.line(KeyTelling.text(now))
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Change a key's tier, limits and scopes; what is not named stays"))

const confirm = Command.make("confirm", { place, json, key, mode: Args.text({ name: "mode" }) }, (given) =>
  Effect.gen(function* () {
    const name = yield* known(given.key)
    const mode = yield* KeyGrants.confirmation(given.mode)
    yield* (yield* desk(given.place)).confirm(name, mode)
    yield* given.json ? Output.json({ public_key: name, confirm: mode }) : Output.line(`${name}: confirm ${mode}`)
    yield* KeyGrants.explain(mode)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Say what of a key's calls waits for a person: on, off or always"))

const change = (verb: "suspend" | "resume" | "revoke", became: string, description: string) =>
  Command.make(verb, { place, json, reason, key }, (given) =>
    Effect.gen(function* () {
      const name = yield* known(given.key)
      const keys = yield* desk(given.place)
      yield* verb === "resume" ? keys.resume(name) : keys[verb](name, given.reason)
      yield* given.json ? Output.json({ public_key: name, status: became }) : Output.line(`${name} is ${became}`)
    }).pipe(Effect.scoped)
  ).pipe(Command.withDescription(description))

const suspend = change("suspend", "suspended", "Refuse a key and its line until it is resumed")
const resume = change("resume", "active", "Accept a suspended key again")
const revoke = change("revoke", "revoked", "Refuse a key and all that descend from it for ever")

export const keyCommands = { create, list, tree, show, extend, limit, confirm, suspend, resume, revoke }

export const keys = Command.make("keys").pipe(
  Command.withDescription("Make, show, limit, suspend, resume and revoke API keys"),
  Command.withSubcommands([create, list, tree, show, extend, limit, confirm, suspend, resume, revoke])
)
