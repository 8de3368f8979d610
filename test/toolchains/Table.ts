/** What was measured, as the table that stands in the README. */
import { readFileSync, writeFileSync } from "node:fs"

export interface Row {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly medianMillis: number
}

export const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const cell = (text: string) => text.replaceAll("|", "\\|")

/** Milliseconds are of the whole signed request. */
export const markdown = (rows: ReadonlyArray<Row>): string =>
  [
    "| language | id | version | median ms |",
    "|---|---|---|---:|",
    ...rows
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(
        ({ id, medianMillis, name, version }) => `| ${cell(name)} | \`${id}\` | ${cell(version)} | ${medianMillis} |`
      )
  ].join("\n")

const between = /(<!-- languages:start -->\n)[\s\S]*?(\n<!-- languages:end -->)/

/** Fails when the file has no place for it. */
export const writeInto = (file: string, table: string): void => {
  const text = readFileSync(file, "utf8")
  if (!between.test(text)) throw new Error(`${file} has no <!-- languages:start --> … <!-- languages:end -->`)
  writeFileSync(
    file,
    text.replace(between, (_, start: string, end: string) => start + table + end)
  )
}
