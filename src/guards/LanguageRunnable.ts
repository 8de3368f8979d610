/** D12: is the language or shell known, and is what runs it in the image? */
import { Either } from "effect"
import { flag, maybe, oneOf, text, written } from "./Fact.js"
import { type Details, Permit, type Reason } from "./Guard.js"
import { quote } from "./Quote.js"

export interface LanguageAsked {
  /** Absent: a language. */
  readonly what?: "shell" | "multiplexer"
  /** As the caller wrote it; undefined when it named none and none could be detected. */
  readonly asked: string | undefined
  /** The language's id when there is one of that name. */
  readonly known: string | undefined
  readonly runnable: boolean
  /** The nearest name, for a typing error. */
  readonly suggestion: string | undefined
  /** What an operator types to bring the toolchain, or its target, here. */
  readonly installCommand: string | undefined
  /** Where WebAssembly is wanted: can this language be compiled to it, and here? */
  readonly wasm?: "here" | "not installed" | "no target"
}

export interface Runnable {
  /** The language's id. */
  readonly language: string
}

const refusal = (code: string, message: string, details: Details): Either.Either<never, Reason> =>
  Either.left({ code, message, details, status: 400 })

const fixedBy = (installCommand: string | undefined): string =>
  installCommand === undefined ? "No package provides it here." : `An operator can install it: ${installCommand}`

/** What nobody can do for want of something on the server. */
const lacking = (code: string, message: string, { installCommand, known = "", what }: LanguageAsked) =>
  refusal(code, `${message} ${fixedBy(installCommand)}`, {
    [what ?? "language"]: known,
    ...(installCommand === undefined ? {} : { install: installCommand })
  })

const withTarget = (facts: LanguageAsked, language: string): Either.Either<Runnable, Reason> => {
  if (facts.wasm === "not installed")
    return lacking("wasm_unavailable", `${language} runs here, but its WebAssembly target is not installed.`, facts)
  if (facts.wasm === "no target")
    return refusal(
      "wasm_unsupported",
      `${language} cannot be compiled to WebAssembly. Leave out return_wasm_artifact, or use a language that GET /languages lists with wasm.`,
      { language, field: "return_wasm_artifact" }
    )
  return Either.right({ language })
}

const reads = (facts: LanguageAsked): Either.Either<Runnable, Reason> => {
  const { asked, known, runnable, suggestion } = facts
  const what = facts.what ?? "language"
  if (asked === undefined)
    return refusal(
      "language_required",
      "No language was named and none is certain from the code. Name it in `language`, or begin with a line such as #!/usr/bin/env python3.",
      {}
    )
  const shown = quote(asked)
  if (known === undefined) {
    const list = what === "language" ? "GET /languages lists all." : "GET /shells lists all."
    const hint = suggestion === undefined ? list : `Did you mean "${suggestion}"?`
    const details = suggestion === undefined ? {} : { suggestion }
    return refusal(`unknown_${what}`, `There is no ${what} ${shown}. ${hint}`, details)
  }
  if (runnable) return withTarget(facts, known)
  return lacking(`${what}_unavailable`, `${known} is known but not installed on this server.`, facts)
}

export const languageRunnable = Permit.guard("D12", {
  name: "language-runnable",
  claim: "the language is known and its toolchain is in the image",
  known: {
    what: maybe(oneOf("shell", "multiplexer")),
    asked: maybe(written),
    known: maybe(text),
    runnable: flag,
    suggestion: maybe(text),
    installCommand: maybe(text),
    wasm: maybe(oneOf("here", "not installed", "no target"))
  },
  reads
})
