/** Lines of an asciicast v3 recording: a header, then events with the seconds since the one before. */

export interface Header {
  readonly columns: number
  readonly rows: number
  /** Seconds since 1970. */
  readonly startedAt: number
  readonly title: string
  readonly command: string
}

/** Output, input, a mark, a new size, the exit status. */
export type Kind = "o" | "i" | "m" | "r" | "x"

export const header = ({ columns, command, rows, startedAt, title }: Header): string => {
  const term = { cols: columns, rows, type: "xterm-256color" }
  return `${JSON.stringify({ version: 3, term, timestamp: startedAt, title, command })}\n`
}

export const event = (seconds: number, kind: Kind, data: string): string =>
  `[${seconds.toFixed(6)},"${kind}",${JSON.stringify(data)}]\n`
