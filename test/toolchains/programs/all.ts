/** Every language's programs, by language id; those without are languages that no package manager can give us. */
import { embedded, inapplicable as embeddedInapplicable } from "./embedded.js"
import { functional } from "./functional.js"
import { lisps } from "./lisps.js"
import { managed } from "./managed.js"
import { native } from "./native.js"
import type { Case, Inapplicable, Programs } from "./Programs.js"
import { science } from "./science.js"
import { scripting } from "./scripting.js"
import { shells } from "./shells.js"
import { systems } from "./systems.js"

export const programs: Readonly<Record<string, Programs>> = {
  ...scripting,
  ...embedded,
  ...shells,
  ...lisps,
  ...functional,
  ...systems,
  ...native,
  ...managed,
  ...science
}

export const inapplicable: Readonly<Record<string, Inapplicable>> = embeddedInapplicable

/** The code for a case; undefined where the language has no means for it, or no compile step to fail in. */
export const programFor = (
  language: { readonly id: string; readonly hello: string },
  wanted: Case
): string | undefined => {
  if (wanted === "hello") return language.hello
  if (inapplicable[language.id]?.[wanted] !== undefined) return undefined
  return programs[language.id]?.[wanted]
}
