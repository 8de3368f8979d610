/** Which language a program is in, where that is certain: its `#!` line, its file name, or its first words. */
import type { Language } from "./Language.js"
import { find, languages } from "./Registry.js"

const interpreters = new Map(languages.flatMap((it) => it.shebangs.map((name) => [name, it] as const)))
const extensions = new Map(languages.flatMap((it) => it.extensions.map((name) => [name, it] as const)))

// `env` takes its own options and settings before the interpreter's name; -u and -C take a word of their own.
const afterEnv = (words: ReadonlyArray<string>): string | undefined => {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ""
    if (word === "-u" || word === "-C") i++
    else if (word.startsWith("-S") && word.length > 2) return word.slice(2)
    else if (!word.startsWith("-") && !word.includes("=")) return word
  }
  return undefined
}

const baseName = (path: string) => path.slice(path.lastIndexOf("/") + 1)

/** The interpreter's name in a `#!` line. */
const interpreter = (code: string): string | undefined => {
  const line = /^\uFEFF?#![ \t]*([^\r\n]*)/.exec(code.slice(0, 256))?.[1]
  const [path, ...rest] = (line ?? "").split(/\s+/).filter((word) => word !== "")
  if (path === undefined) return undefined
  const name = baseName(path)
  const through = name === "env" ? afterEnv(rest) : name === "busybox" ? rest[0] : name
  return through === undefined ? undefined : baseName(through)
}

// `python3.11` and `lua5.1` mean what `python3` and `lua` mean.
const byInterpreter = (name: string) =>
  interpreters.get(name) ??
  interpreters.get(name.replace(/[\d.]+$/, "")) ??
  interpreters.get(name.replace(/-[\d.]+$/, ""))

const byFileName = (name: string): Language | undefined => {
  const [, ...parts] = baseName(name).split(".")
  for (let i = 0; i < parts.length; i++) {
    const extension = parts.slice(i).join(".")
    const found = extensions.get(extension) ?? extensions.get(extension.toLowerCase())
    if (found !== undefined) return found
  }
  return undefined
}

// Untrusted text meets these: each is linear, and none is tried on more than this many characters.
const searched = 16 * 1024

/** What is left after leading blanks and C-like comments. */
const afterComments = (code: string): string => {
  let at = 0
  while (at < code.length) {
    const two = code.slice(at, at + 2)
    if (/^\s/.test(two)) {
      at++
      continue
    }
    if (two !== "//" && two !== "/*") break
    const end = code.indexOf(two === "//" ? "\n" : "*/", at + 2)
    if (end < 0) return ""
    at = end + (two === "//" ? 1 : 2)
  }
  return code.slice(at)
}

// Only what no program in another language begins with; anything less is left to the caller to say.
const openings: ReadonlyArray<readonly [RegExp, string]> = [
  [/^<\?php\b/i, "php"],
  [/^package main[ \t]*(?:\r?\n|;|\/\/)/, "go"],
  [/^#lang[ \t]+\S/, "racket"],
  [/^#include[ \t]*<(?:iostream|vector|string|map|algorithm|memory|thread|ranges|format)>/m, "cpp"],
  [/^#import[ \t]*<Foundation\/Foundation\.h>/m, "objc"],
  [/\bpublic static void main[ \t]*\([ \t]*(?:final[ \t]+)?String\b/, "java"],
  [/^using[ \t]+System[ \t]*;/, "csharp"],
  [/^(?:\d{6}[ \t]+)?identification[ \t]+division[ \t]*\./i, "cobol"],
  [/^-module\([ \t]*[a-z]\w*[ \t]*\)[ \t]*\./, "erlang"],
  [/^fn main\(\)[\s\S]{0,200}\bprintln!\(/, "rust"]
]

const byOpening = (code: string): Language | undefined => {
  const start = afterComments(code.slice(0, searched))
  const found = openings.find(([pattern]) => pattern.test(start))
  return found === undefined ? undefined : find(found[1])
}

/** Undefined is honest: the caller then asks for a `#!` line or a language name. */
export const detect = (code: string, filename?: string): Language | undefined => {
  const named = interpreter(code)
  // A program that names an interpreter we do not know is not something else that we do.
  if (named !== undefined) return byInterpreter(named)
  return (filename === undefined ? undefined : byFileName(filename)) ?? byOpening(code)
}
