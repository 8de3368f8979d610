/** What a language is to us: data that says how its programs are built, run and recognised, and where its toolchain comes from. */

export type Argv = ReadonlyArray<string>

/** Where a toolchain comes from. `a|b` in a package list means: the first of these that the distribution has. */
type Provider =
  | { readonly kind: "apt"; readonly packages: ReadonlyArray<string> }
  | { readonly kind: "npm"; readonly packages: ReadonlyArray<string> }
  | { readonly kind: "none"; readonly why: string; readonly home: string }

/**
 * Programs that must exist, by token: `{ bin: ["lua5.4", "lua"] }` is any one of them, `{bin}` in an argv.
 * A plain name is looked up on the toolchain path, `npm:…` below the npm toolchains, an absolute path is taken as it is.
 */
export type Needs = Readonly<Record<string, ReadonlyArray<string>>>

/** A second compilation, to WebAssembly, where the image has the pieces for it. */
interface Wasm {
  readonly needs: Needs
  /** Writes `{wasm}`. */
  readonly compile: Argv
  readonly packages: ReadonlyArray<string>
}

/**
 * Tokens in an argv: every key of `needs`, `{source}`, `{stem}` (the source without its extension), `{dir}` (the
 * working directory), `{out}` (the built binary), `{wasm}`, and `{inferred}` (what `infer` read from the code).
 */
export interface Language {
  readonly id: string
  readonly name: string
  readonly aliases: ReadonlyArray<string>
  /** Without the dot; the first is the usual one. */
  readonly extensions: ReadonlyArray<string>
  /** Interpreter names in a `#!` line that mean this language. */
  readonly shebangs: ReadonlyArray<string>
  /** The program's file name; a rule where the compiler insists on one that fits the code. */
  readonly source: string | ((code: string) => string)
  readonly needs: Needs
  /** Run in order before `run`; what they print goes to standard error. */
  readonly compile?: ReadonlyArray<Argv>
  readonly run: Argv
  readonly env?: Readonly<Record<string, string>>
  /** A pure change to the code that keeps its line numbers. */
  readonly prepare?: (code: string) => string
  readonly infer?: (code: string) => string
  /** What `run` should print: `Hello from <name>`. */
  readonly hello: string
  readonly provider: Provider
  readonly version: Argv
  /** File name of the built binary, inside the working directory. */
  readonly artifact?: string
  /** Other files that building leaves in the working directory. */
  readonly leaves?: ReadonlyArray<string>
  readonly wasm?: Wasm
  /** Directories outside /usr and /opt that the toolchain cannot work without. */
  readonly trees?: ReadonlyArray<string>
  /** What the runtime itself takes, where an ordinary small limit would not carry it. */
  readonly heavy?: { readonly memoryMiB: number; readonly pids: number }
}

/** A language whose programs are files given to an interpreter; the rest can be overridden. */
type Script = Pick<Language, "id" | "name" | "extensions" | "needs" | "hello" | "provider"> & Partial<Language>

export const script = (self: Script): Language => ({
  aliases: [],
  shebangs: self.needs.bin ?? [],
  source: `main.${self.extensions[0] ?? "txt"}`,
  run: ["{bin}", "{source}"],
  version: ["{bin}", "--version"],
  ...self
})

/** A language that is compiled to a native binary and then run. */
export const compiled = (self: Script & Required<Pick<Language, "compile">>): Language => ({
  ...script({ shebangs: [], run: ["{out}"], artifact: "main", ...self })
})

export const apt = (...packages: ReadonlyArray<string>): Provider => ({ kind: "apt", packages })
export const npm = (...packages: ReadonlyArray<string>): Provider => ({ kind: "npm", packages })
export const none = (why: string, home: string): Provider => ({ kind: "none", why, home })
