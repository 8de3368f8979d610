/** The interactive shells that a session can start, by category, and which of them this image has. */
import { hostImage, type Image, lookup } from "./Lookup.js"

type Category = "unix" | "python" | "javascript" | "ruby" | "scripting" | "lisp" | "erlang" | "functional" | "data"

interface Shell {
  readonly name: string
  readonly category: Category
  /** Any one of these. */
  readonly needs: ReadonlyArray<string>
  readonly args: ReadonlyArray<string>
  /** The Debian package. */
  readonly provider: string
}

const shell = (category: Category, name: string, provider: string, rest?: Partial<Shell>): Shell => ({
  name,
  category,
  needs: [name],
  args: [],
  provider,
  ...rest
})

const shells: ReadonlyArray<Shell> = [
  shell("unix", "bash", "bash"),
  shell("unix", "dash", "dash"),
  shell("unix", "sh", "dash"),
  shell("unix", "zsh", "zsh"),
  shell("unix", "fish", "fish"),
  shell("unix", "ksh", "ksh93u+m", { needs: ["ksh93", "ksh", "mksh"] }),
  shell("unix", "tcsh", "tcsh"),
  shell("unix", "csh", "csh", { needs: ["csh", "bsd-csh", "tcsh"] }),
  shell("unix", "elvish", "elvish"),
  shell("unix", "xonsh", "xonsh", { args: ["--no-rc"] }),
  shell("unix", "mksh", "mksh"),
  shell("unix", "ash", "ash", { needs: ["ash", "dash"] }),
  shell("python", "python", "python3", { needs: ["python3", "python"] }),
  shell("python", "python3", "python3"),
  shell("python", "bpython", "bpython"),
  shell("python", "ipython", "ipython3", { needs: ["ipython3", "ipython"] }),
  shell("javascript", "node", "nodejs", { needs: ["node", "nodejs"], args: ["-i"] }),
  shell("scripting", "tclsh", "tcl"),
  shell("ruby", "ruby", "ruby", { needs: ["irb"] }),
  shell("ruby", "irb", "ruby"),
  shell("scripting", "lua", "lua5.4", { needs: ["lua5.4", "lua5.3", "lua"] }),
  shell("scripting", "php", "php-cli", { args: ["-a"] }),
  shell("scripting", "perl", "perl", { args: ["-de", "0"] }),
  shell("lisp", "guile", "guile-3.0", { needs: ["guile", "guile-3.0"] }),
  shell("lisp", "scheme", "guile-3.0", { needs: ["mit-scheme", "scheme", "guile", "guile-3.0"] }),
  shell("lisp", "sbcl", "sbcl"),
  shell("lisp", "clisp", "clisp"),
  shell("lisp", "clojure", "clojure"),
  shell("functional", "ghci", "ghc"),
  shell("functional", "ocaml", "ocaml-nox"),
  shell("erlang", "erl", "erlang-base"),
  shell("erlang", "iex", "elixir"),
  shell("data", "r", "r-base-core", { needs: ["R"], args: ["--no-save"] }),
  shell("data", "julia", "julia"),
  shell("data", "sqlite3", "sqlite3")
]

const byName = new Map(shells.map((known) => [known.name, known]))

export interface AvailableShell extends Shell {
  /** Interactive, on a terminal. */
  readonly argv: ReadonlyArray<string>
}

/** Reads the file system. */
export const available = (image: Image = hostImage): ReadonlyMap<string, AvailableShell> => {
  const found = new Map<string, AvailableShell>()
  for (const known of shells) {
    const path = lookup(image, known.needs)
    if (path !== undefined) found.set(known.name, { ...known, argv: [path, ...known.args] })
  }
  return found
}

/** What keeps a shell's programs when nobody is connected; each is the package of its name, too. */
const multiplexers = ["tmux", "screen"] as const
export type Multiplexer = (typeof multiplexers)[number]

/** Reads the file system. */
export const multiplexing = (image: Image = hostImage): ReadonlyMap<Multiplexer, string> => {
  const found = new Map<Multiplexer, string>()
  for (const name of multiplexers) {
    const path = lookup(image, [name])
    if (path !== undefined) found.set(name, path)
  }
  return found
}

/** What callers write who name the language, not its shell. */
const aliases = new Map([
  ["javascript", "node"],
  ["js", "node"],
  ["nodejs", "node"],
  ["py", "python"],
  ["rb", "ruby"],
  ["commonlisp", "sbcl"],
  ["lisp", "sbcl"],
  ["haskell", "ghci"],
  ["erlang", "erl"],
  ["elixir", "iex"],
  ["tcl", "tclsh"],
  ["sqlite", "sqlite3"]
])

/** By name, alias, or the path that it has elsewhere. */
export const find = (name: string): Shell | undefined => {
  const plain = name
    .trim()
    .toLowerCase()
    .replace(/^(\/usr)?(\/local)?\/bin\//, "")
  return byName.get(aliases.get(plain) ?? plain)
}

interface ShellListing {
  readonly shells: ReadonlyArray<string>
  readonly categories: Readonly<Record<string, ReadonlyArray<string>>>
  readonly available: ReadonlyArray<string>
  readonly count: number
}

const names = shells.map(({ name }) => name)
const categories = Object.fromEntries(
  [...new Set(shells.map(({ category }) => category))].map((category) => [
    category,
    shells.filter((known) => known.category === category).map(({ name }) => name)
  ])
)

/** What GET /shells tells: all that are known, and which of them are here. */
export const listed = (image: { readonly shells: ReadonlyMap<string, AvailableShell> }): ShellListing => ({
  shells: names,
  categories,
  available: [...image.shells.keys()],
  count: names.length
})
