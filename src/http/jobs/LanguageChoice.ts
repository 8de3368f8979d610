/** The facts of D12: what a caller's word for a language means on this image. */
import type { LanguageAsked } from "../../guards/LanguageRunnable.js"
import { detect } from "../../languages/Detect.js"
import type { Language } from "../../languages/Language.js"
import * as Registry from "../../languages/Registry.js"
import type { Toolchains } from "../../languages/Toolchains.js"

interface LanguageChoice {
  /** `wasm`: it is to be compiled to WebAssembly. */
  readonly of: (asked: string | undefined, wasm?: boolean) => LanguageAsked
  /** The language's id, where the program's text makes it certain. */
  readonly detect: (code: string) => string | undefined
  readonly listed: () => Registry.Listing
}

const installs = ({ id, provider }: Language): string | undefined =>
  provider.kind === "none" ? undefined : `unsandbox languages install ${id}`

export const make = (toolchains: Toolchains["Type"]): LanguageChoice => {
  const absent = (asked: string): LanguageAsked => {
    const known = Registry.find(asked)
    const suggestion = known === undefined ? Registry.suggest(asked) : undefined
    const installCommand = known === undefined ? undefined : installs(known)
    return { asked, known: known?.id, runnable: false, suggestion, installCommand }
  }
  const target = (known: string, here: boolean): Pick<LanguageAsked, "wasm" | "installCommand"> => {
    if (here) return { wasm: "here", installCommand: undefined }
    if (Registry.find(known)?.wasm === undefined) return { wasm: "no target", installCommand: undefined }
    return { wasm: "not installed", installCommand: `unsandbox languages install --wasm ${known}` }
  }
  const of = (asked: string | undefined, wasm = false): LanguageAsked => {
    const nothing = { suggestion: undefined, installCommand: undefined }
    if (asked === undefined) return { asked, known: undefined, runnable: false, ...nothing }
    const known = Registry.find(asked)?.id
    const toolchain = known === undefined ? undefined : toolchains.available.get(known)
    if (known === undefined || toolchain === undefined) return absent(asked)
    return { asked, known, runnable: true, ...nothing, ...(wasm ? target(known, toolchain.wasm) : {}) }
  }
  let listing = { of: toolchains.available, listed: Registry.listing(toolchains.available) }
  const listed = () => {
    // The map is replaced as a whole when toolchains are looked for again.
    const { available } = toolchains
    if (listing.of !== available) listing = { of: available, listed: Registry.listing(available) }
    return listing.listed
  }
  return { of, detect: (code) => detect(code)?.id, listed }
}
