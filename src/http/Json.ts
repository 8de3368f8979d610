/** JSON text to a value; what is malformed is refused with its place. */
import { Either } from "effect"
import * as Nesting from "./wire/Nesting.js"

interface Malformed {
  /** What was found, or what was missing. */
  readonly reason: string
  /** Characters before it. */
  readonly position: number
  readonly line: number
  readonly column: number
}

export const parse = (text: string): Either.Either<unknown, Malformed> => {
  const deep = Nesting.tooDeep(text)
  if (deep !== undefined) return Either.left(placed(text, deep, `nested deeper than ${Nesting.deepest} levels`))
  try {
    return Either.right(JSON.parse(text))
  } catch {
    return Either.left(locate(text))
  }
}

const placed = (text: string, position: number, reason: string): Malformed => {
  const before = text.slice(0, position)
  return { reason, position, line: before.split("\n").length, column: position - before.lastIndexOf("\n") }
}

/** The engine does not always tell where it stopped, so the place is looked for; only on the way to a 400. */
const locate = (text: string): Malformed => {
  const position = new Scanner(text).stop()
  const found = text.codePointAt(position)
  const reason =
    found === undefined ? "unexpected end of the text" : `unexpected ${JSON.stringify(String.fromCodePoint(found))}`
  return placed(text, position, reason)
}

const space = /[ \t\n\r]*/y
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings have none, and that is what is checked
const piece = /[^"\\\u0000-\u001f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

type Expected = "value" | "value or ]" | "key" | "key or }" | ":" | ", or end"

/** Walks the text without recursion, because nesting is the caller's to choose. */
class Scanner {
  private at = 0
  private readonly open: Array<"[" | "{"> = []
  constructor(private readonly text: string) {}

  /** How far the text is JSON. */
  stop(): number {
    let expected: Expected = "value"
    while (true) {
      this.take(space)
      if (expected === ", or end" && this.open.length === 0) return this.at
      const next = this.step(expected, this.text[this.at])
      if (next === undefined) return this.at
      expected = next
    }
  }

  private take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at
    if (!pattern.test(this.text)) return false
    this.at = pattern.lastIndex
    return true
  }

  private step(expected: Expected, char: string | undefined): Expected | undefined {
    switch (expected) {
      case "value or ]":
        return char === "]" ? this.leave() : this.value(char)
      case "value":
        return this.value(char)
      case "key or }":
        if (char === "}") return this.leave()
        return this.string(char) ? ":" : undefined
      case "key":
        return this.string(char) ? ":" : undefined
      case ":":
        return char === ":" ? this.past("value") : undefined
      case ", or end":
        return this.next(char)
    }
  }

  private value(char: string | undefined): Expected | undefined {
    if (char === "[" || char === "{") {
      this.open.push(char)
      return this.past(char === "[" ? "value or ]" : "key or }")
    }
    return (char === '"' ? this.string(char) : this.take(scalar)) ? ", or end" : undefined
  }

  private next(char: string | undefined): Expected | undefined {
    const inside = this.open.at(-1)
    if (char === ",") return this.past(inside === "[" ? "value" : "key")
    return char === (inside === "[" ? "]" : "}") ? this.leave() : undefined
  }

  private string(char: string | undefined): boolean {
    if (char !== '"') return false
    this.at++
    while (this.take(piece));
    if (this.text[this.at] !== '"') return false
    this.at++
    return true
  }

  private leave(): Expected {
    this.open.pop()
    return this.past(", or end")
  }

  private past(expected: Expected): Expected {
    this.at++
    return expected
  }
}
