/** Every language we know, found by any name it goes by. */
import type { Language } from "./Language.js"
import { dotnet } from "./registry/dotnet.js"
import { embedded } from "./registry/embedded.js"
import { functional } from "./registry/functional.js"
import { jvm } from "./registry/jvm.js"
import { lisps } from "./registry/lisps.js"
import { native } from "./registry/native.js"
import { newcomers } from "./registry/newcomers.js"
import { science } from "./registry/science.js"
import { scripting } from "./registry/scripting.js"
import { shells } from "./registry/shells.js"
import { systems } from "./registry/systems.js"

/** Sorted by id. */
export const languages: ReadonlyArray<Language> = [
  scripting,
  embedded,
  shells,
  lisps,
  functional,
  systems,
  native,
  newcomers,
  jvm,
  dotnet,
  science
]
  .flat()
  .sort((a, b) => (a.id < b.id ? -1 : 1))

const byName: ReadonlyMap<string, Language> = new Map(
  languages.flatMap((language) => [language.id, ...language.aliases].map((name) => [name, language]))
)

/** By id or alias, in any case. */
export const find = (name: string): Language | undefined => byName.get(name) ?? byName.get(name.trim().toLowerCase())

const longestName = 32

// Optimal string alignment: a swap of neighbours is one edit, as it is one slip of the finger.
const distance = (a: string, b: string): number => {
  let older: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const swap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (older[j - 2] ?? Infinity) + 1 : Infinity
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same, swap))
    }
    older = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The id of the language whose name is nearest to an unknown one; undefined when none is near enough to be meant. */
export const suggest = (name: string): string | undefined => {
  const wanted = name.trim().toLowerCase().slice(0, longestName)
  let best: { readonly id: string; readonly edits: number } | undefined
  for (const [known, language] of byName) {
    const edits = distance(wanted, known)
    const bound = Math.min(3, Math.floor(Math.max(wanted.length, known.length) / 3))
    if (edits <= bound && edits < (best?.edits ?? Infinity)) best = { id: language.id, edits }
  }
  return best?.id
}

export interface Listing {
  readonly languages: ReadonlyArray<string>
  readonly aliases: Readonly<Record<string, string>>
  readonly count: number
  readonly details: ReadonlyArray<{
    readonly id: string
    readonly name: string
    readonly aliases: ReadonlyArray<string>
    readonly extensions: ReadonlyArray<string>
    readonly compiled: boolean
    readonly artifact: boolean
    readonly wasm: boolean
  }>
}

/** What GET /languages tells about the languages that this image runs. */
export const listing = (available: ReadonlyMap<string, { readonly wasm: boolean }>): Listing => {
  const runnable = languages.filter((language) => available.has(language.id))
  return {
    languages: runnable.map((language) => language.id),
    aliases: Object.fromEntries(runnable.flatMap(({ id, aliases }) => aliases.map((alias) => [alias, id]))),
    count: runnable.length,
    details: runnable.map((language) => ({
      id: language.id,
      name: language.name,
      aliases: language.aliases,
      extensions: language.extensions,
      compiled: language.compile !== undefined,
      artifact: language.artifact !== undefined,
      wasm: available.get(language.id)?.wasm ?? false
    }))
  }
}
