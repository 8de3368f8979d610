/** Puts toolchains on the machine: what `unsandbox languages install` does, with apt-get and npm. */
import { Data, Effect } from "effect"
import { type Installation, installation, installCommand } from "./Installation.js"
import { lastLine, quietly, run, succeeds } from "./InstallCommand.js"
import type { Language } from "./Language.js"
import { hostImage, type Image, npmPrefix } from "./Lookup.js"
import { find, languages } from "./Registry.js"
import { resolve } from "./Toolchains.js"

export interface Outcome {
  readonly id: string
  readonly outcome: "present" | "installed" | "failed" | "unavailable" | "unknown"
  readonly detail: string
}

export class InstallRefused extends Data.TaggedError("InstallRefused")<{ readonly message: string }> {}

/** Called as things happen, on any tick: it must not throw. */
type Report = (line: string) => void

const aptGet = [
  "apt-get",
  "-y",
  "-q",
  "--no-install-recommends",
  "-o",
  "DPkg::Lock::Timeout=300",
  "-o",
  "Dpkg::Use-Pty=0"
]

/** For each `a|b` the first that the distribution has; the first of all where it has none, for apt to complain of. */
const chosenPackages = Effect.fnUntraced(function* (specs: ReadonlyArray<string>) {
  const names = [...new Set(specs.flatMap((spec) => spec.split("|")))]
  if (names.length === 0) return new Map<string, string>()
  const { output } = yield* quietly(["apt-cache", "policy", ...names])
  const present = new Set<string>()
  let name = ""
  for (const line of output.split("\n")) {
    name = /^(\S+):$/.exec(line)?.[1] ?? name
    if (/^\s+Candidate: (?!\(none\))/.test(line)) present.add(name)
  }
  return new Map(
    specs.map((spec) => [spec, spec.split("|").find((one) => present.has(one)) ?? spec.split("|")[0] ?? ""])
  )
})

type Missing = Pick<Installation, "apt" | "npm" | "wasm">

/** Why a language's packages could not be had, by language id; empty when all went well. */
const viaApt = Effect.fnUntraced(function* (self: Missing, report: Report) {
  const failures = new Map<string, string>()
  const specs = [...[...self.apt.values()].flat(), ...self.wasm]
  if (specs.length === 0) return failures
  const updated = yield* quietly([...aptGet, "update"])
  if (updated.code !== 0) report(`apt-get update: ${lastLine(updated)}; going on with the package lists there are`)
  const chosen = yield* chosenPackages(specs)
  const concrete = (wanted: ReadonlyArray<string>) => [...new Set(wanted.map((spec) => chosen.get(spec) ?? spec))]
  const all = concrete(specs)
  report(`apt-get install ${all.join(" ")}`)
  if ((yield* run([...aptGet, "install", ...all], report)).code === 0) return failures
  report("together they could not be installed; now one language at a time")
  for (const [id, wanted] of self.apt) {
    const tried = yield* run([...aptGet, "install", ...concrete(wanted)], report)
    if (tried.code !== 0) failures.set(id, lastLine(tried))
    if (tried.code !== 0) report(`${id}: ${lastLine(tried)}`)
  }
  for (const one of concrete(self.wasm)) {
    const tried = yield* run([...aptGet, "install", one], report)
    if (tried.code !== 0) report(`WebAssembly: ${lastLine(tried)}`)
  }
  return failures
})

// Saved in the prefix's own package.json, or a later installation would prune this one. The binaries are files of the
// packages, so no install script has to be run as root.
const npmInstall = ["npm", "install", "--prefix", npmPrefix, "--no-audit", "--no-fund", "--ignore-scripts"]

const viaNpm = Effect.fnUntraced(function* (self: Missing, report: Report) {
  const failures = new Map<string, string>()
  for (const [id, packages] of self.npm) {
    report(`npm install ${packages.join(" ")}`)
    const prefix = yield* quietly(["mkdir", "-p", npmPrefix])
    const tried = prefix.code === 0 ? yield* quietly([...npmInstall, ...packages]) : prefix
    if (tried.code !== 0) failures.set(id, lastLine(tried))
  }
  return failures
})

const presentIn = (image: Image): ReadonlySet<string> =>
  new Set(languages.filter((language) => resolve(language, image)._tag === "Present").map(({ id }) => id))

const lackingWasm = (image: Image) => (language: Language) => {
  const resolved = resolve(language, image)
  return resolved._tag === "Absent" || !resolved.toolchain.wasm
}

const without = <A>(self: ReadonlyMap<string, A>, ids: ReadonlySet<string>): ReadonlyMap<string, A> =>
  new Map([...self].filter(([id]) => !ids.has(id)))

interface Options {
  readonly image: Image
  /** Their WebAssembly targets are wanted too. */
  readonly wasm: boolean
}

const verdict = (
  id: string,
  before: ReadonlySet<string>,
  failures: ReadonlyMap<string, string>,
  { image, wasm }: Options
): Outcome => {
  const language = find(id)
  const resolved = language === undefined ? undefined : resolve(language, image)
  if (resolved?._tag === "Present" && wasm && !resolved.toolchain.wasm)
    return { id, outcome: "failed", detail: "it has no WebAssembly target here" }
  if (resolved?._tag === "Present")
    return before.has(id) ? { id, outcome: "present", detail: "" } : { id, outcome: "installed", detail: "" }
  const lacking = resolved?._tag === "Absent" ? `still lacks ${resolved.lacking.join(", ")}` : ""
  return { id, outcome: "failed", detail: failures.get(id) ?? lacking }
}

/** Needs root. Resolves when everything was tried: one that cannot be had does not stop the others. */
export const install = Effect.fnUntraced(function* (
  wanted: "all" | ReadonlyArray<string>,
  report: Report,
  options: Partial<Options> = {}
) {
  const { image, wasm: targets } = { image: hostImage, wasm: false, ...options }
  const self = installation(wanted, targets || wanted === "all")
  const ids = [...self.apt.keys(), ...self.npm.keys()]
  if (ids.length > 0 && process.getuid?.() !== 0)
    return yield* new InstallRefused({ message: `installing needs root: ${installCommand(ids)}` })
  if (self.apt.size > 0 && !(yield* succeeds(["apt-get", "--version"])))
    return yield* new InstallRefused({ message: "this machine has no apt-get: use its own package manager" })
  const before = presentIn(image)
  const wasm = languages.filter(lackingWasm(image)).flatMap((language) => language.wasm?.packages ?? [])
  const missing = {
    apt: without(self.apt, before),
    npm: without(self.npm, before),
    wasm: self.wasm.filter((one) => wasm.includes(one))
  }
  const failures = new Map([...(yield* viaApt(missing, report)), ...(yield* viaNpm(missing, report))])
  return [
    ...ids.map((id) => verdict(id, before, failures, { image, wasm: targets })),
    ...self.unavailable.map(
      ({ home, id, why }): Outcome => ({ id, outcome: "unavailable", detail: `${why}; see ${home}` })
    ),
    ...self.unknown.map((id): Outcome => ({ id, outcome: "unknown", detail: "no language of this name" }))
  ]
})
