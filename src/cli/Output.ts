/** What commands print: lines and one JSON document on standard output, everything else on standard error. */
import { Effect, Logger } from "effect"
import { escaped } from "../guards/Quote.js"

/** Whatever it is that a command prints, none of it drives the terminal of whoever reads it. */
export const visible = (text: string): string => text.replace(/[^\n\t]+/g, escaped)

/** A line a message, whatever callers made it say: logfmt quotes spaces, and lets pass what drives a terminal. */
export const logger = Logger.map(Logger.logfmtLogger, escaped)

/** A reader that has seen enough (`| head`) ends the command well. */
const write = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    stream.write(visible(text), (error) => {
      if (error === null || error === undefined) return resume(Effect.void)
      resume("code" in error && error.code === "EPIPE" ? Effect.interrupt : Effect.die(error))
    })
  })

export const line = (text: string): Effect.Effect<void> => write(process.stdout, `${text}\n`)
export const note = (text: string): Effect.Effect<void> => write(process.stderr, `${text}\n`)
export const json = (document: unknown): Effect.Effect<void> => line(JSON.stringify(document))

/** Control characters of a program's output must not reach a terminal. */
export const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
  text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim()

export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`

type Cell = string | number

const shown = (cell: Cell): Cell => (typeof cell === "number" ? cell : escaped(cell))

/** Columns as wide as their widest cell; numbers stand right. A row is a line, whatever is in it. */
export const table = (headings: ReadonlyArray<string>, written: ReadonlyArray<ReadonlyArray<Cell>>): string => {
  const rows = written.map((row) => row.map(shown))
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => String(row[at] ?? "").length))
  )
  const cells = (row: ReadonlyArray<Cell>) =>
    row
      .map((cell, at) =>
        typeof cell === "number" ? String(cell).padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)
      )
      .join("  ")
      .trimEnd()
  return [cells(headings), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(cells)].join("\n")
}
