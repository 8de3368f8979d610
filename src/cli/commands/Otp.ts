/** `unsandbox otp`: what waits for a person's code, shown to the operator of the server that asked. */
import { Command, Options } from "@effect/cli"
import { Clock, Effect } from "effect"
import type { Pending } from "../../rpc/OtpControl.js"
import { json, place } from "../Options.js"
import * as Output from "../Output.js"
import { confirm, contact, contacts, enrol, remove } from "./otp/OtpDevices.js"
import { desk } from "./otp/OtpPlace.js"

const watch = Options.boolean("watch").pipe(Options.withDescription("Go on, and show each as it comes"))

const left = ({ expiresAt }: Pending, now: number): string => `${Math.max(0, Math.ceil(expiresAt / 1e6 - now / 1e3))} s`

/** A code that is not here is not lost where it went, unless that was the console of a server that has ended. */
const shown = ({ channel, code }: Pending): string => {
  if (code !== null) return code
  return channel === "console" ? "gone with the server that asked: ask anew" : `by ${channel}`
}

const documentOf = (one: Pending, now: number) => ({
  challenge_id: one.challenge,
  public_key: one.key,
  action: one.words,
  channel: one.channel,
  code: one.code,
  expires_in: Math.max(0, Math.ceil(one.expiresAt / 1e6 - now / 1e3)),
  attempts_left: one.attemptsLeft
})

const once = (all: ReadonlyArray<Pending>, asJson: boolean) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    if (asJson) return Output.json({ confirmations: all.map((one) => documentOf(one, now)), count: all.length })
    if (all.length === 0) return Output.note("Nothing waits for a confirmation.")
    return Output.line(
      Output.table(
        ["code", "would", "key", "left", "challenge"],
        all.map((one) => [shown(one), one.words, one.key, left(one, now), one.challenge])
      )
    )
  })

const each = (one: Pending, asJson: boolean) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    asJson
      ? Output.json(documentOf(one, now))
      : Output.line(`${shown(one)}  ${one.words}  ${one.key}  ${left(one, now)}`)
  )

const following = <E>(pending: Effect.Effect<ReadonlyArray<Pending>, E>, asJson: boolean) => {
  let seen = new Set<string>()
  const round = Effect.flatMap(pending, (all) => {
    const fresh = all.filter(({ challenge }) => !seen.has(challenge))
    seen = new Set(all.map(({ challenge }) => challenge))
    return Effect.forEach(fresh, (one) => each(one, asJson), { discard: true })
  })
  return Effect.forever(Effect.zipRight(round, Effect.sleep("500 millis")))
}

export const otp = Command.make("otp", { place, json, watch }, (given) =>
  Effect.gen(function* () {
    const { pending } = yield* desk(given.place)
    if (given.watch) return yield* following(pending, given.json)
    yield* once(yield* pending, given.json)
  }).pipe(Effect.scoped)
).pipe(
  Command.withDescription("Show what waits for a person's code, and set where codes go"),
  Command.withSubcommands([contacts, contact, enrol, confirm, remove])
)

export const otpCommands = { contacts, contact, enrol, confirm, remove }
