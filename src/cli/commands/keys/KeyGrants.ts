/** What an operator may say of a key's tier, limits, scopes and confirmations, as options. */
import { Options } from "@effect/cli"
import { Effect, Either, Option, Schema } from "effect"
import { Confirm, type Limits, Scope, scopes, Tier } from "../../../../events/Grants.js"
import { limitNames } from "../../../guards/Descent.js"
import type { Wanted } from "../../../rpc/KeyControl.js"
import { type Failure, usage } from "../../Failure.js"
import { milliseconds, parse } from "../../Knobs.js"
import * as Output from "../../Output.js"

type Limit = keyof Limits

const asked = (name: string, about: string) => Options.text(name).pipe(Options.optional, Options.withDescription(about))

export const grants = Options.all({
  tier: asked("tier", "free, 1 to 32, or unlimited"),
  rpm: asked("rpm", "Requests that begin work, a minute; tier takes the tier's, here and below"),
  burst: asked("burst", "As many of them at once"),
  concurrency: asked("concurrency", "Executions, sessions, running services and boosts at one time"),
  vcpu: asked("vcpu", "Virtual CPUs of one container"),
  ttlSeconds: asked("ttl", "Longest time of a program, for example 5m"),
  services: asked("services", "Services it may keep"),
  snapshots: asked("snapshots", "Snapshots it may keep"),
  images: asked("images", "Images it may keep"),
  keptBytes: asked("kept-bytes", "Bytes it may keep, for example 8GiB"),
  scopes: asked("scopes", `By commas, of ${scopes.join(", ")}; or all`)
})

const whole = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined)

/** A bare number is seconds, as requests have it. */
const seconds = (text: string): number | undefined => {
  const millis = milliseconds(text)
  return whole(text) ?? (millis === undefined ? undefined : Math.floor(millis / 1_000))
}

const bytes = (text: string): number | undefined => {
  const read = parse({ flag: "kept-bytes", key: "keptBytes", kind: "size", help: "" }, text, "")
  return Either.isRight(read) && typeof read.right === "number" ? read.right : undefined
}

const readers: { readonly [L in Limit]: readonly [flag: string, expected: string, of: typeof whole] } = {
  rpm: ["--rpm", "a whole number", whole],
  burst: ["--burst", "a whole number", whole],
  concurrency: ["--concurrency", "a whole number", whole],
  vcpu: ["--vcpu", "a whole number", whole],
  ttlSeconds: ["--ttl", "a duration such as 5m", seconds],
  services: ["--services", "a whole number", whole],
  snapshots: ["--snapshots", "a whole number", whole],
  images: ["--images", "a whole number", whole],
  keptBytes: ["--kept-bytes", "a size such as 8GiB", bytes]
}

const limit = (name: Limit, text: string): Effect.Effect<number | null, Failure> => {
  if (text === "tier") return Effect.succeed(null)
  const [flag, expected, of] = readers[name]
  const value = of(text)
  return value === undefined
    ? usage(`${flag}: expected ${expected}, or tier, got ${JSON.stringify(text)}`)
    : Effect.succeed(value)
}

const limits = (given: { readonly [L in Limit]: Option.Option<string> }): Effect.Effect<Partial<Limits>, Failure> =>
  Effect.map(
    Effect.forEach(limitNames, ([name]) =>
      Option.match(given[name], {
        onNone: () => Effect.succeed([]),
        onSome: (text) => Effect.map(limit(name, text), (value) => [[name, value] as const])
      })
    ),
    (found) => Object.fromEntries(found.flat())
  )

const tier = (text: string): Effect.Effect<Tier, Failure> =>
  Effect.mapError(Schema.decode(Tier)(text), () =>
    usage(`--tier: expected free, 1 to 32, or unlimited, got ${JSON.stringify(text)}`)
  )

const scopesOf = (text: string): Effect.Effect<ReadonlyArray<Scope>, Failure> => {
  if (text === "all") return Effect.succeed(scopes)
  const several = [...new Set(text.split(",").map((one) => one.trim()))]
  return Effect.mapError(Schema.decodeUnknown(Schema.NonEmptyArray(Scope))(several), () =>
    usage(`--scopes: expected some of ${scopes.join(", ")}, by commas, got ${JSON.stringify(text)}`)
  )
}

type Given = { readonly [L in Limit | "tier" | "scopes"]: Option.Option<string> }

/** Left out is what was left out. */
export const wanted = (given: Given): Effect.Effect<Wanted, Failure> =>
  Effect.gen(function* () {
    const said = yield* limits(given)
    return {
      ...(Option.isSome(given.tier) ? { tier: yield* tier(given.tier.value) } : {}),
      ...(Object.keys(said).length === 0 ? {} : { limits: said }),
      ...(Option.isSome(given.scopes) ? { scopes: yield* scopesOf(given.scopes.value) } : {})
    }
  })

export const confirmation = (text: string): Effect.Effect<Confirm, Failure> =>
  Effect.mapError(Schema.decodeUnknown(Confirm)(text), () =>
    usage(`expected on, off or always, got ${JSON.stringify(text)}`)
  )

const meaning: { readonly [C in Confirm]: string } = {
  on: "A person must confirm what destroys or unlocks services, snapshots and images.",
  always: "A person must confirm that, and what ends sessions, transfers, redeploys and empties vaults.",
  off:
    "Nobody is asked: whoever has this key, a program that errs included, destroys and unlocks services, snapshots " +
    "and images at once. Use it for unattended automation only."
}

export const explain = (confirm: Confirm): Effect.Effect<void> => Output.note(meaning[confirm])
