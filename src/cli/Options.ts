/** The options that commands share, and the settings that come of them. */
import { Options } from "@effect/cli"
import { Effect, Either, Option } from "effect"
import { type Failure, usage } from "./Failure.js"
import { type Knob, knobs } from "./Knobs.js"
import type { Settings } from "./Settings.js"
import * as Sources from "./Sources.js"

export const json = Options.boolean("json").pipe(Options.withDescription("Print JSON on standard output, nothing else"))

const config = Options.text("config").pipe(
  Options.withDescription("Configuration file, JSON (DATA/config.json)"),
  Options.optional
)

const option = (knob: Knob): Options.Options<string | undefined> => {
  if (knob.kind === "switch")
    return Options.boolean(knob.flag).pipe(
      Options.withDescription(knob.help),
      Options.map((on) => (on ? "true" : undefined))
    )
  const text = Options.text(knob.flag).pipe(Options.withDescription(knob.help))
  // A repeated option takes every word that follows it, so only one that stands before no argument may be.
  if (knob.kind === "pool")
    return Options.map(Options.repeated(text), (given) => (given.length === 0 ? undefined : given.join(",")))
  return Options.map(Options.optional(text), Option.getOrUndefined)
}

const texts = (chosen: ReadonlyArray<Knob>): Options.Options<Sources.Flags> =>
  Options.all(chosen.map((knob) => Options.map(option(knob), (text) => [knob.flag, text] as const))).pipe(
    Options.map((entries) => Object.fromEntries(entries))
  )

interface Chosen {
  readonly config: Option.Option<string>
  readonly flags: Sources.Flags
}

/** Where the data is: what every command but `serve` needs to know. */
export const place: Options.Options<Chosen> = Options.all({
  config,
  flags: texts(knobs.filter((knob) => knob.key === "data"))
})

/** Everything that a server can be told. */
export const everything: Options.Options<Chosen> = Options.all({ config, flags: texts(knobs) })

export const settings = ({ config, flags }: Chosen): Effect.Effect<Settings, Failure> =>
  Effect.suspend(() =>
    Either.mapLeft(
      Sources.settings({ flags, environment: process.env, config: Option.getOrUndefined(config) }),
      (wrong) => usage(wrong)
    )
  )
