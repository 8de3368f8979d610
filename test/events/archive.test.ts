/** One row of every event type and version that was ever written lies in archive/: each must be readable for ever. */
import { readdirSync, readFileSync } from "node:fs"
import { Either, Schema } from "effect"
import { describe, expect, it } from "vitest"
import { all, read } from "../../events/Catalogue.js"
import { Row } from "../../events/Envelope.js"
import type { JsonObject } from "../../events/Versioned.js"
import * as Canonical from "../../src/log/Canonical.js"
import { hashOf } from "../../src/log/Chain.js"

const archive = new URL("archive/", import.meta.url)

const rowIn = (file: string): Row => {
  const row: Row = JSON.parse(readFileSync(new URL(file, archive), "utf8"))
  Schema.decodeUnknownSync(Row, { onExcessProperty: "error" })(row)
  return row
}

const fileOf = (type: string, version: number): string => `${type}.${version}.json`

const files = readdirSync(archive)

describe("the archive of events", () => {
  it("has a row of every version of every type", () => {
    const wanted = all.flatMap(({ tag, version }) =>
      Array.from({ length: version }, (_, older) => fileOf(tag, older + 1))
    )
    expect(wanted.filter((file) => !files.includes(file))).toEqual([])
  })

  for (const file of files)
    it(`can be read: ${file}`, () => {
      const row = rowIn(file)
      expect(fileOf(row.type, row.schema)).toBe(file)
      const event = Either.getOrThrow(read(row.type, row.schema, row.data))
      expect(event._tag).toBe(row.type)
      const data: JsonObject = row.data
      expect(hashOf(row.prev, { ...row, data: Canonical.encode(data) })).toBe(row.hash)
    })

  it("is not read when a field is missing, or one is there that nobody knows", () => {
    for (const file of files) {
      const { type, schema, data } = rowIn(file)
      expect(Either.isLeft(read(type, schema, { ...data, unheardOf: 1 }))).toBe(true)
      for (const key of Object.keys(data)) {
        const { [key]: _, ...rest } = data
        expect(Either.isLeft(read(type, schema, rest))).toBe(true)
      }
    }
  })

  it("does not make up for types and versions that nobody knows", () => {
    expect(Either.isLeft(read("NeverHeardOf", 1, {}))).toBe(true)
    expect(Either.isLeft(read("JobStarted", 99, {}))).toBe(true)
    expect(Either.isLeft(read("JobStarted", 0, {}))).toBe(true)
  })
})
