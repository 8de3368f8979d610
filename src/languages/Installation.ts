/** What would be installed for some languages: pure, so that it can be shown before it is done. */
import { find, languages } from "./Registry.js"

export interface Installation {
  /** Language id → its Debian packages, alternatives as `a|b`. */
  readonly apt: ReadonlyMap<string, ReadonlyArray<string>>
  readonly npm: ReadonlyMap<string, ReadonlyArray<string>>
  /** What only WebAssembly needs: tried, and not missed. */
  readonly wasm: ReadonlyArray<string>
  readonly unavailable: ReadonlyArray<{ readonly id: string; readonly why: string; readonly home: string }>
  readonly unknown: ReadonlyArray<string>
}

/** Pure. WebAssembly's pieces are large (about 600 MB), so they come with "all", or when they are asked for. */
export const installation = (wanted: "all" | ReadonlyArray<string>, wasm = wanted === "all"): Installation => {
  const chosen = wanted === "all" ? languages : [...new Set(wanted.map(find).filter((it) => it !== undefined))]
  const packages = (kind: "apt" | "npm") =>
    new Map(chosen.flatMap(({ id, provider }) => (provider.kind === kind ? [[id, provider.packages] as const] : [])))
  return {
    apt: packages("apt"),
    npm: packages("npm"),
    wasm: wasm ? [...new Set(chosen.flatMap((language) => language.wasm?.packages ?? []))] : [],
    unavailable: chosen.flatMap(({ id, provider }) =>
      provider.kind === "none" ? [{ id, why: provider.why, home: provider.home }] : []
    ),
    unknown: wanted === "all" ? [] : wanted.filter((name) => find(name) === undefined)
  }
}

/** The one command that installs these; undefined when no package manager can. */
export const installCommand = (ids: ReadonlyArray<string>): string | undefined => {
  const possible = ids.map(find).flatMap((it) => (it === undefined || it.provider.kind === "none" ? [] : [it.id]))
  return possible.length === 0 ? undefined : `sudo npx unsandbox languages install ${possible.join(" ")}`
}
