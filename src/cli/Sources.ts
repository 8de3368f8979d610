/** Where settings come from: flag before environment before file before default. */
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { Either, ParseResult, Schema } from "effect"
import { type Knob, knobs, parse, variableOf } from "./Knobs.js"
import { nearest } from "./Nearest.js"
import { defaults, names, Settings } from "./Settings.js"

type Loose = Readonly<Record<string, unknown>>

/** Texts as given on the command line, by flag; repeated ones are joined by a comma. */
export type Flags = Readonly<Record<string, string | undefined>>

export interface Given {
  readonly flags: Flags
  readonly environment: Readonly<Record<string, string | undefined>>
  /** `--config`; without it DATA/config.json is read when it exists. */
  readonly config: string | undefined
}

const isObject = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Later ones win; pools are merged one by one, so that a flag for one leaves the other as the file has it. */
const merge = (layers: ReadonlyArray<Loose>): Loose => {
  const pools = Object.assign({}, ...layers.map((layer) => (isObject(layer.pools) ? layer.pools : {})))
  const merged: Loose = Object.assign({}, ...layers)
  return merged.pools === undefined ? merged : { ...merged, pools: isObject(merged.pools) ? pools : merged.pools }
}

const texts = (of: (knob: Knob) => readonly [from: string, text: string | undefined]): Either.Either<Loose, string> => {
  const found: Record<string, unknown> = {}
  for (const knob of knobs) {
    const [from, text] = of(knob)
    if (text === undefined) continue
    const value = parse(knob, text, from)
    if (Either.isLeft(value)) return Either.left(value.left)
    found[knob.key] = value.right
  }
  return Either.right(found)
}

const unknownKey = (found: Loose, known: ReadonlyArray<string>, path: string): string | undefined => {
  const key = Object.keys(found).find((name) => !known.includes(name))
  if (key === undefined) return undefined
  const like = nearest(key, known)
  return `${path}: unknown key ${JSON.stringify(key)}${like === undefined ? "" : `; did you mean ${JSON.stringify(like)}?`}`
}

const misnamed = (found: Loose, path: string): string | undefined => {
  const top = unknownKey(found, names, path)
  if (top !== undefined || !isObject(found.pools)) return top
  const pool = unknownKey(found.pools, Object.keys(defaults.pools), `${path}: pools`)
  if (pool !== undefined) return pool
  return Object.entries(found.pools)
    .map(([name, of]) => (isObject(of) ? unknownKey(of, ["target", "maximum"], `${path}: pools.${name}`) : undefined))
    .find((wrong) => wrong !== undefined)
}

const file = (path: string, required: boolean): Either.Either<Loose, string> => {
  const text = Either.try(() => readFileSync(path, "utf8"))
  if (Either.isLeft(text)) return required ? Either.left(`${path}: cannot be read`) : Either.right({})
  const found = Either.try((): unknown => JSON.parse(text.right))
  if (Either.isLeft(found) || !isObject(found.right)) return Either.left(`${path}: not a JSON object`)
  const wrong = misnamed(found.right, path)
  return wrong === undefined ? Either.right(found.right) : Either.left(wrong)
}

const decode = Schema.decodeUnknownEither(Settings, { onExcessProperty: "error", errors: "first" })

const complete = (found: Loose): Either.Either<Settings, string> =>
  decode(found).pipe(
    Either.mapBoth({
      onLeft: (error) => {
        const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
        return issue === undefined ? error.message : `setting ${issue.path.join(".")}: ${issue.message}`
      },
      onRight: (settings) => ({ ...settings, data: resolve(settings.data) })
    })
  )

/** Left is a sentence that names the source, the key and what was expected. */
export const settings = ({ flags, environment, config }: Given): Either.Either<Settings, string> =>
  Either.gen(function* () {
    const above = yield* texts((knob) => [`--${knob.flag}`, flags[knob.flag]])
    const around = yield* texts((knob) => [variableOf(knob), environment[variableOf(knob)]])
    const data = String(above.data ?? around.data ?? defaults.data)
    const path = config ?? environment.UNSANDBOX_CONFIG
    const below = yield* file(path ?? join(data, "config.json"), path !== undefined)
    return yield* complete(merge([below, around, above]))
  })
