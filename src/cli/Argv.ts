/** Lets options stand anywhere: the parser wants them before a command's arguments, people write them after. */
import { groups } from "./Groups.js"
import { knobs } from "./Knobs.js"

const SWITCHES = new Set([
  "--json",
  "--all",
  "--quick",
  "--once",
  "--watch",
  "--force",
  "--without-volumes",
  "--partial"
])
const BUILT_IN = new Set(["--help", "-h", "--version"])
for (const knob of knobs) if (knob.kind === "switch") SWITCHES.add(`--${knob.flag}`)

/** How many words name the command. */
const depth = (words: ReadonlyArray<string>): number => {
  const [first = "", second = ""] = words
  return Object.hasOwn(groups.get(first)?.below ?? {}, second) ? 2 : 1
}

/** `[...command, ...options, ...arguments]`; after `--` nothing is an option. */
export const normalise = (argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = argv.indexOf("--")
  const head = end === -1 ? argv : argv.slice(0, end)
  const options: Array<string> = []
  const words: Array<string> = []
  for (let at = 0; at < head.length; at++) {
    const word = head[at] ?? ""
    if (!word.startsWith("-") || word === "-") {
      words.push(word)
      continue
    }
    options.push(word)
    // The parser takes a word such as `1` after a switch for its value, so the switch gets one of its own.
    if (SWITCHES.has(word)) options.push("true")
    const value = head[at + 1]
    if (SWITCHES.has(word) || BUILT_IN.has(word) || word.includes("=") || value === undefined) continue
    options.push(value)
    at += 1
  }
  const named = depth(words)
  return [...words.slice(0, named), ...options, ...words.slice(named), ...(end === -1 ? [] : argv.slice(end + 1))]
}
