/** `unsandbox egress`: where semitrusted containers may go, shown and changed while the server runs. */
import { Args, Command, Options } from "@effect/cli"
import { Effect, Option, Schema } from "effect"
import { PublicKey } from "../../../events/Ids.js"
import * as ControlClient from "../../rpc/ControlClient.js"
import type { EgressDesk } from "../../rpc/EgressDesk.js"
import { general, usage } from "../Failure.js"
import { json, place, settings } from "../Options.js"
import * as Output from "../Output.js"

type Place = Parameters<typeof settings>[0]

/** The lists are looked at by every connection of a running server, so that is who changes them. */
const desk = Effect.fnUntraced(function* (given: Place) {
  const { data } = yield* settings(given)
  if (!(yield* ControlClient.running(data)))
    return yield* general("not_running", `no server runs on ${data}; start one with \`unsandbox serve\``)
  const client = yield* ControlClient.make(data)
  return client.egress satisfies EgressDesk
})

const key = Options.text("key").pipe(
  Options.optional,
  Options.withDescription("The lists of this public key; the server's without it")
)
const rules = Args.text({ name: "rule" }).pipe(Args.repeated)

const known = (given: Option.Option<string>) =>
  Option.match(given, {
    onNone: () => Effect.succeed(null),
    onSome: (text) =>
      Effect.mapError(Schema.decode(PublicKey)(text), () =>
        usage(`--key: ${JSON.stringify(text)} is not a public key (unsb-pk-…)`)
      )
  })

const whose = (of: string | null) => of ?? "the server"

const show = Command.make("show", { place, json, key }, (given) =>
  Effect.gen(function* () {
    const only = yield* known(given.key)
    const { closedPorts, lists } = yield* (yield* desk(given.place)).show
    const shown = lists.filter((one) => only === null || one.key === only)
    if (given.json)
      return yield* Output.json({
        lists: shown.map(({ allow, deny, key: of }) => ({ public_key: of, allow, deny })),
        closed_ports: closedPorts
      })
    const rows = shown.flatMap(({ allow, deny, key: of }) => [
      ...allow.map((rule) => [whose(of), "allow", rule]),
      ...deny.map((rule) => [whose(of), "deny", rule])
    ])
    yield* Output.line(Output.table(["of", "list", "rule"], rows))
    yield* Output.note(`Closed ports: ${closedPorts.join(", ") || "none"}`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Show the allow-lists and deny-lists of the server and of every key"))

/** What a first entry closes, and what an address opens, is easily missed. */
const hint = (before: number, now: ReadonlyArray<string>) =>
  before === 0 && now.length > 0 && !now.includes("*")
    ? Output.note("Only what is on the allow-list is reached from now on; add '*' for every public address.")
    : Effect.void

const change = (verb: "allow" | "deny" | "clear", description: string) =>
  Command.make(verb, { place, json, key, rules }, (given) =>
    Effect.gen(function* () {
      const of = yield* known(given.key)
      const egress = yield* desk(given.place)
      const before = (yield* egress.show).lists.find((one) => one.key === of)?.allow.length ?? 0
      const { allow, deny } = yield* egress.change({ key: of, verb, rules: given.rules })
      if (given.json) return yield* Output.json({ public_key: of, allow, deny })
      const usual = of === null ? "every public address" : "what the server allows"
      yield* Output.line(`allow  ${allow.join(" ") || usual}\ndeny   ${deny.join(" ") || "nothing"}`)
      yield* hint(before, allow)
    }).pipe(Effect.scoped)
  ).pipe(Command.withDescription(description))

const allow = change("allow", "Put hosts, addresses or networks on the allow-list; only an address opens a private one")
const deny = change("deny", "Put hosts, addresses or networks on the deny-list; connections to them are closed")
const clear = change("clear", "Take these off both lists, or everything without any")

export const egressCommands = { show, allow, deny, clear }

export const egress = Command.make("egress").pipe(
  Command.withDescription("Show and change where semitrusted containers may go"),
  Command.withSubcommands([show, allow, deny, clear])
)
