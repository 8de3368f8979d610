/** The languages that this image can run, with the real paths of what runs them. */
import { execFile } from "node:child_process"
import { Context, Effect, Layer } from "effect"
import type { Language, Needs } from "./Language.js"
import { hostImage, type Image, lookup } from "./Lookup.js"
import { type Toolchain, toolchain } from "./Plan.js"
import { languages } from "./Registry.js"
import * as Shells from "./Shells.js"

type Resolved =
  | { readonly _tag: "Present"; readonly toolchain: Toolchain }
  | { readonly _tag: "Absent"; readonly lacking: ReadonlyArray<string> }

const pathsOf = (image: Image, needs: Needs) => {
  const paths: Record<string, string> = {}
  const lacking: Array<string> = []
  for (const [token, candidates] of Object.entries(needs)) {
    const found = lookup(image, candidates)
    if (found === undefined) lacking.push(candidates[0] ?? token)
    else paths[token] = found
  }
  return { paths, lacking }
}

/** Reads the file system; `directory` is where programs are put, if not the usual place. */
export const resolve = (language: Language, image: Image = hostImage, directory?: string): Resolved => {
  const own = pathsOf(image, language.needs)
  if (own.lacking.length > 0) return { _tag: "Absent", lacking: own.lacking }
  const wasm = language.wasm === undefined ? undefined : pathsOf(image, language.wasm.needs)
  const options = { wasm: wasm !== undefined && wasm.lacking.length === 0, ...(directory ? { directory } : {}) }
  return { _tag: "Present", toolchain: toolchain(language, { ...own.paths, ...wasm?.paths }, options) }
}

interface Scan {
  readonly available: ReadonlyMap<string, Toolchain>
  readonly shells: ReadonlyMap<string, Shells.AvailableShell>
  readonly multiplexers: ReadonlyMap<Shells.Multiplexer, string>
}

const scan = (image: Image): Scan => {
  const available = new Map<string, Toolchain>()
  for (const language of languages) {
    const resolved = resolve(language, image)
    if (resolved._tag === "Present") available.set(language.id, resolved.toolchain)
  }
  return { available, shells: Shells.available(image), multiplexers: Shells.multiplexing(image) }
}

const versionTimeout = 20_000
const versionBytes = 64 * 1024

/** Asks the toolchain itself; empty when it does not say within the time. Spawns a process: never per request. */
export const version = (self: Toolchain): Effect.Effect<string> =>
  Effect.async<string>((resume) => {
    const [command = "", ...args] = self.version
    const options = { timeout: versionTimeout, maxBuffer: versionBytes, cwd: "/", env: { ...self.env, HOME: "/tmp" } }
    const child = execFile(command, args, options, (_, stdout, stderr) => {
      const line = `${stdout}\n${stderr}`.split("\n").find((text) => /\d/.test(text)) ?? ""
      resume(Effect.succeed(line.trim().slice(0, 120)))
    })
    child.stdin?.end()
    return Effect.sync(() => child.kill("SIGKILL"))
  })

export class Toolchains extends Context.Tag("languages/Toolchains")<
  Toolchains,
  {
    /** By language id; replaced as a whole by `refresh`. */
    readonly available: ReadonlyMap<string, Toolchain>
    /** By shell name. */
    readonly shells: ReadonlyMap<string, Shells.AvailableShell>
    /** By name, with their real paths. */
    readonly multiplexers: ReadonlyMap<Shells.Multiplexer, string>
    /** Looks again, after an installation. */
    readonly refresh: Effect.Effect<ReadonlyMap<string, Toolchain>>
  }
>() {
  static readonly layerFor = (image: Image) =>
    Layer.effect(
      Toolchains,
      Effect.sync(() => {
        let found = scan(image)
        return {
          get available() {
            return found.available
          },
          get shells() {
            return found.shells
          },
          get multiplexers() {
            return found.multiplexers
          },
          refresh: Effect.sync(() => {
            found = scan(image)
            return found.available
          })
        }
      })
    )

  static readonly layer = Toolchains.layerFor(hostImage)
}
