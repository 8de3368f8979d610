/** The lists as actors: a change wakes the actor of its server or key; it replays, decides, and goes to sleep again. */
import { Effect, Either, Layer, Option } from "effect"
import { read } from "../../events/Egress.js"
import { stream } from "../../events/Envelope.js"
import type { PublicKey } from "../../events/Ids.js"
import { parse, type Rule } from "../../src/guards/EgressRule.js"
import { EventLog } from "../../src/log/EventLog.js"
import { EgressTable } from "../../src/projections/EgressTable.js"
import { KeyTable } from "../../src/projections/KeyTable.js"
import * as Waking from "../Waking.js"
import { type Change, EgressPolicies, PolicyRefused, type Verb } from "./EgressPolicies.js"
import * as EgressPolicy from "./EgressPolicy.js"

interface Options {
  readonly closedPorts: ReadonlyArray<number>
}

const definition = (key: PublicKey | null) => ({
  stream: stream("egress", key ?? "server"),
  by: "egress",
  capacity: 1,
  initial: EgressPolicy.initial,
  decide: EgressPolicy.decide,
  evolve: EgressPolicy.evolve,
  read,
  react: () => Effect.void
})

const commands = {
  allow: EgressPolicy.Command.Allow,
  deny: EgressPolicy.Command.Deny,
  clear: EgressPolicy.Command.Clear
} as const

const ruled = (verb: Verb, rules: ReadonlyArray<string>): Either.Either<ReadonlyArray<Rule>, PolicyRefused> => {
  const refuse = (reason: string) => Either.left(new PolicyRefused({ reason }))
  if (verb !== "clear" && rules.length === 0) return refuse(`name what to ${verb}, for example *.example.com`)
  return Either.mapLeft(Either.all(rules.map(parse)), (reason) => new PolicyRefused({ reason }))
}

const tooLong = () => new PolicyRefused({ reason: `a list holds ${EgressPolicy.LONGEST} rules; take some off first` })

const make = ({ closedPorts }: Options) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const table = yield* EgressTable
    const keys = yield* KeyTable

    const known = (key: PublicKey | null) =>
      key === null
        ? Effect.void
        : Effect.flatMap(keys.find(key), (found) =>
            Option.isSome(found) ? Effect.void : new PolicyRefused({ reason: `there is no key ${key}` })
          )

    const change = ({ key, rules, verb }: Change, by: string) =>
      Effect.gen(function* () {
        const command = commands[verb]({ key, rules: yield* ruled(verb, rules) })
        yield* known(key)
        const { state } = yield* Waking.wake(log, definition(key), command, { by })
        return { allow: [...state.allow.keys()], deny: [...state.deny.keys()] }
      }).pipe(
        Effect.catchTags({ Rejected: tooLong, NotAccepted: Waking.unanswered, OutcomeUnknown: Waking.unanswered })
      )

    return EgressPolicies.of({ change, list: table.list, closedPorts })
  })

export const layer = (options: Options) => Layer.effect(EgressPolicies, make(options))
