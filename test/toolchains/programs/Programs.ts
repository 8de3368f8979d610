/** The small programs that every language is tried with, and what they should do. */

export interface Programs {
  /** Prints the first eleven Fibonacci numbers, apart by any white space. */
  readonly fibonacci: string
  /** Reads a line and prints it after "got ". */
  readonly stdin: string
  /** Prints the variable GREETING. */
  readonly env: string
  /** Prints the file /tmp/input/data.txt. */
  readonly file: string
  /** Fails while it runs. */
  readonly crash: string
  /** Never ends. */
  readonly loop: string
  /** Does not compile; only where there is a compile step. */
  readonly broken?: string
}

export type Case = "hello" | keyof Programs

/** A case that a language has no means for, and why. */
export type Inapplicable = { readonly [C in keyof Programs]?: string }

export const cases: ReadonlyArray<Case> = ["hello", "fibonacci", "stdin", "env", "file", "broken", "crash", "loop"]

export const given = {
  stdin: "ping\n",
  env: { GREETING: "bonjour" },
  file: { name: "data.txt", content: "from a file\n" }
} as const

/** What standard output should be once white space is made single. */
export const expected: Readonly<Record<"fibonacci" | "stdin" | "env" | "file", string>> = {
  fibonacci: "0 1 1 2 3 5 8 13 21 34 55",
  stdin: "got ping",
  env: "bonjour",
  file: "from a file"
}
