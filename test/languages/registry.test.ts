/** The registry as data: complete, consistent, and findable by every name. */
import { describe, expect, it } from "vitest"
import { find, languages, listing, suggest } from "../../src/languages/Registry.js"
import * as Shells from "../../src/languages/Shells.js"

const contract =
  "awk bash c clojure cobol commonlisp cpp crystal csharp d dart deno elixir erlang forth fortran fsharp go groovy haskell java javascript julia kotlin lua nim objc ocaml perl php powershell prolog python r raku ruby rust scheme tcl typescript v zig dotnet idris2 odin pascal jimtcl ada octave"

const duplicates = (values: ReadonlyArray<string>) => values.filter((value, at) => values.indexOf(value) !== at)

describe("the registry", () => {
  it("has every language of the contract", () => {
    expect(contract.split(" ").filter((id) => find(id)?.id !== id)).toEqual([])
  })

  it("gives no name, extension or interpreter to two languages", () => {
    expect(duplicates(languages.flatMap(({ aliases, id }) => [id, ...aliases]))).toEqual([])
    expect(duplicates(languages.flatMap(({ extensions }) => extensions))).toEqual([])
    expect(duplicates(languages.flatMap(({ shebangs }) => shebangs))).toEqual([])
  })

  it.each(languages)("$id is complete", (language) => {
    expect(language.hello).toContain(`Hello from`)
    expect(language.hello.endsWith("\n")).toBe(true)
    expect(language.extensions.length).toBeGreaterThan(0)
    expect(Object.values(language.needs).every((any) => any.length > 0)).toBe(true)
    expect([language.id, ...language.aliases].every((name) => name === name.toLowerCase())).toBe(true)
    if (language.provider.kind === "none") expect(language.provider.home).toMatch(/^https:\/\//)
    else expect(language.provider.packages.length).toBeGreaterThan(0)
  })

  it.each(languages)("$id uses only tokens that it defines", (language) => {
    const own = [
      ...Object.keys(language.needs),
      "source",
      "stem",
      "dir",
      "out",
      ...(language.infer ? ["inferred"] : [])
    ]
    const wasm = [...Object.keys(language.wasm?.needs ?? {}), "wasm"]
    const used = (argv: ReadonlyArray<string>) =>
      argv.flatMap((word) => [...word.matchAll(/\{([a-z]+)\}/g)].map((found) => found[1] ?? ""))
    const all = [...language.run, ...language.version, ...(language.compile ?? []).flat()]
    expect(used(all).filter((name) => !own.includes(name))).toEqual([])
    expect(used(language.wasm?.compile ?? []).filter((name) => ![...own, ...wasm].includes(name))).toEqual([])
  })
})

describe("names", () => {
  it.each([
    ["js", "javascript"],
    ["node", "javascript"],
    ["ts", "typescript"],
    ["lisp", "commonlisp"],
    ["c++", "cpp"],
    ["py", "python"],
    ["rb", "ruby"],
    ["sh", "bash"],
    ["golang", "go"],
    ["c#", "csharp"],
    ["f#", "fsharp"],
    ["Python", "python"],
    [" RUST ", "rust"]
  ])("%s is %s", (name, id) => expect(find(name)?.id).toBe(id))

  it.each([
    ["pyhton", "python"],
    ["phyton3", "python"],
    ["javascrpt", "javascript"],
    ["typscript", "typescript"],
    ["rubby", "ruby"],
    ["haskel", "haskell"],
    ["Kotiln", "kotlin"]
  ])("%s was meant to be %s", (name, id) => expect(suggest(name)).toBe(id))

  it.each(["", "qqqqqqqqqq", "brainfuck", "x".repeat(100_000)])("nothing is near %.20s", (name) =>
    expect(suggest(name)).toBeUndefined()
  )
})

it("lists only what is available, with its aliases", () => {
  const listed = listing(
    new Map([
      ["python", { wasm: false }],
      ["c", { wasm: true }]
    ])
  )
  expect(listed.languages).toEqual(["c", "python"])
  expect(listed.count).toBe(2)
  expect(listed.aliases.py).toBe("python")
  expect(listed.aliases.js).toBeUndefined()
  expect(listed.details.find(({ id }) => id === "c")).toMatchObject({ compiled: true, artifact: true, wasm: true })
})

it("knows the shells of the contract", () => {
  const contractShells =
    "bash dash sh zsh fish ksh tcsh csh elvish xonsh ash python python3 bpython ipython node ruby irb lua php perl guile scheme sbcl clisp clojure ghci erl iex r julia sqlite3"
  expect(contractShells.split(" ").filter((name) => Shells.find(name) === undefined)).toEqual([])
  const { available, categories, count, shells } = Shells.listed({ shells: Shells.available() })
  expect(count).toBe(35)
  expect(Object.keys(categories)).toEqual(
    expect.arrayContaining(["unix", "python", "javascript", "ruby", "lisp", "erlang", "data"])
  )
  expect(Object.values(categories).flat().toSorted()).toEqual([...shells].toSorted())
  expect(available).toContain("sh")
})
