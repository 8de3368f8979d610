/** D12: is the language known, and is its toolchain in the image? */
import { Either } from "effect"
import { flag, maybe, text } from "./Fact.js"
import { type Details, Permit, type Reason } from "./Guard.js"
import { quote } from "./Quote.js"

export interface LanguageAsked {
  /** As the caller wrote it; undefined when it named none and none could be detected. */
  readonly asked: string | undefined
  /** The language's id when there is one of that name. */
  readonly known: string | undefined
  readonly runnable: boolean
  /** The nearest name, for a typing error. */
  readonly suggestion: string | undefined
  /** What an operator types to bring the toolchain here. */
  readonly installCommand: string | undefined
}

export interface Runnable {
  /** The language's id. */
  readonly language: string
}

const refusal = (code: string, message: string, details: Details): Either.Either<never, Reason> =>
  Either.left({ code, message, details, status: 400 })

const reads = ({
  asked,
  installCommand,
  known,
  runnable,
  suggestion
}: LanguageAsked): Either.Either<Runnable, Reason> => {
  if (asked === undefined)
    return refusal(
      "language_required",
      "No language was named and none is certain from the code. Name it in `language`, or begin with a line such as #!/usr/bin/env python3.",
      {}
    )
  const shown = quote(asked)
  if (known === undefined) {
    const hint = suggestion === undefined ? "GET /languages lists all." : `Did you mean "${suggestion}"?`
    const details = suggestion === undefined ? {} : { suggestion }
    return refusal("unknown_language", `There is no language ${shown}. ${hint}`, details)
  }
  if (runnable) return Either.right({ language: known })
  const fix =
    installCommand === undefined ? "No package provides it here." : `An operator can install it: ${installCommand}`
  const details = installCommand === undefined ? { language: known } : { language: known, install: installCommand }
  return refusal("language_unavailable", `${known} is known but not installed on this server. ${fix}`, details)
}

export const languageRunnable = Permit.guard("D12", {
  name: "language-runnable",
  claim: "the language is known and its toolchain is in the image",
  known: {
    asked: maybe((value) => typeof value === "string"),
    known: maybe(text),
    runnable: flag,
    suggestion: maybe(text),
    installCommand: maybe(text)
  },
  reads
})
