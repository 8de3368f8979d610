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

/** The toolchain's own words, without what it was built with and by whom. */
const brief = (version: string) =>
  version
    .replace(/\s*(\([^)]*\)|\[[^\]]*\])/g, "")
    .replace(/[,:]? (built|with|for|JVM|Copyright|--|options|©|API|PHP-RTS|for Linux|on).*$/, "")
    .replace(/^[\w]+-linux-gnu-/, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 64)

const cell = (text: string) => text.replaceAll("|", "\\|")

/** Milliseconds are of the whole signed request. */
export const markdown = (rows: ReadonlyArray<Row>): string =>
  [
    "| language | id | version | median ms |",
    "|---|---|---|---:|",
    ...rows
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(
        ({ id, medianMillis, name, version }) =>
          `| ${cell(name)} | \`${id}\` | ${cell(brief(version))} | ${medianMillis} |`
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
