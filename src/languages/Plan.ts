/** From a language and the paths of its toolchain to what is put into a container and what is executed there. */
import type { Argv, Language } from "./Language.js"

const workDirectory = "/tmp/work"
/** The tenant's home. */
export const home = "/home/sandbox"
/** Where the files that a caller sends along are found. */
export const inputDirectory = "/tmp/input"
const sourceMode = 0o644

/** What every program finds in its environment unless its language or its owner says otherwise. */
export const baseEnv: Readonly<Record<string, string>> = {
  PATH: "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games",
  HOME: home,
  USER: "sandbox",
  LOGNAME: "sandbox",
  SHELL: "/bin/sh",
  LANG: "C.UTF-8",
  TMPDIR: "/tmp",
  TERM: "dumb"
}

interface Step {
  readonly argv: Argv
  readonly env: Readonly<Record<string, string>>
}

interface PlannedFile {
  readonly path: string
  readonly mode: number
  readonly content: Uint8Array
}

export interface Plan {
  readonly files: ReadonlyArray<PlannedFile>
  /** One exec a program: where there is a compile step, a shell runs it and becomes the program. */
  readonly steps: readonly [Step]
  readonly cwd: string
  /** File names in the working directory. Undefined where the language builds none, or was not asked to. */
  readonly artifact: string | undefined
  readonly wasm: string | undefined
  /** File names in the working directory that are the plan's own and no output of the program. */
  readonly discard: ReadonlyArray<string>
}

/** A language with its real paths; everything that does not depend on the code is worked out here, once. */
export interface Toolchain {
  readonly language: Language
  readonly paths: Readonly<Record<string, string>>
  /** Prints the version; undefined where the toolchain has no way to. */
  readonly version: Argv
  readonly wasm: boolean
  readonly directory: string
  readonly env: Readonly<Record<string, string>>
  /** Undefined where the source's name, or a word in the argv, depends on the code. */
  readonly fixed: { readonly argv: Argv; readonly path: string; readonly discard: ReadonlyArray<string> } | undefined
}

const token = /\{([a-z]+)\}/g

const fill = (argv: Argv, values: Readonly<Record<string, string>>): Argv =>
  argv.map((word) => word.replace(token, (whole, name: string) => values[name] ?? whole))

const plainWord = /^[A-Za-z0-9_\-+=:,./@%]+$/
const quote = (word: string) => (plainWord.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
const words = (argv: Argv) => argv.map(quote).join(" ")

// The compiler gets no input (it is the program's) and only standard error, and its failure is the whole exec's.
const shell = (compile: ReadonlyArray<Argv>, run: Argv): Argv => [
  "/bin/sh",
  "-c",
  `{ ${compile.map(words).join(" && ")}; } </dev/null 1>&2 && exec ${words(run)}`
]

const sourceName = (language: Language, code: string) =>
  typeof language.source === "string" ? language.source : language.source(code)

const commands = (language: Language, wasm: boolean): ReadonlyArray<Argv> => [
  ...(language.compile ?? []),
  ...(wasm && language.wasm !== undefined ? [language.wasm.compile] : [])
]

const argvFor = (self: Omit<Toolchain, "fixed">, code: string, wasm: boolean): Argv => {
  const { language, directory } = self
  const source = `${directory}/${sourceName(language, code)}`
  const values = {
    ...self.paths,
    dir: directory,
    source,
    stem: source.replace(/\.[^./]+$/, ""),
    out: `${directory}/${language.artifact ?? "main"}`,
    wasm: `${directory}/main.wasm`,
    inferred: language.infer?.(code) ?? ""
  }
  const run = fill(language.run, values)
  const compile = commands(language, wasm).map((argv) => fill(argv, values))
  return compile.length === 0 ? run : shell(compile, run)
}

const discardFor = (language: Language, source: string) => [source, ...(language.leaves ?? [])]

export const toolchain = (
  language: Language,
  paths: Readonly<Record<string, string>>,
  options?: { readonly wasm?: boolean; readonly directory?: string }
): Toolchain => {
  const self = {
    language,
    paths,
    version: fill(language.version, paths),
    wasm: options?.wasm ?? false,
    directory: options?.directory ?? workDirectory,
    env: { ...baseEnv, ...language.env }
  }
  if (typeof language.source !== "string" || language.infer !== undefined) return { ...self, fixed: undefined }
  const path = `${self.directory}/${language.source}`
  return { ...self, fixed: { argv: argvFor(self, "", false), path, discard: discardFor(language, language.source) } }
}

/** Total: whatever the code is. `wasm` is honoured where the toolchain has it; where it has not, D12 has refused before. */
export const plan = (
  self: Toolchain,
  code: string,
  options?: { readonly wasm?: boolean; readonly env?: Readonly<Record<string, string>> }
): Plan => {
  const { language, directory } = self
  const wasm = self.wasm && options?.wasm === true
  const fixed = wasm ? undefined : self.fixed
  const name = fixed === undefined ? sourceName(language, code) : ""
  const content = Buffer.from(language.prepare === undefined ? code : language.prepare(code))
  return {
    files: [{ path: fixed?.path ?? `${directory}/${name}`, mode: sourceMode, content }],
    steps: [
      {
        argv: fixed?.argv ?? argvFor(self, code, wasm),
        env: options?.env === undefined ? self.env : { ...self.env, ...options.env }
      }
    ],
    cwd: directory,
    artifact: language.artifact,
    wasm: wasm ? "main.wasm" : undefined,
    discard: fixed?.discard ?? discardFor(language, name)
  }
}
