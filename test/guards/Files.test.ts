import { posix } from "node:path"
import { Either } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FILE_BOUNDS, filesContained } from "../../src/guards/FilesContained.js"
import { CONTROL } from "../../src/guards/Quote.js"

const content = (text: string) => Buffer.from(text).toString("base64")
const file = (filename: unknown, text = "x") => ({ filename, content: content(text) })
const decide = (files: unknown, bounds = FILE_BOUNDS) => filesContained.decide({ files, bounds })
const taken = (files: unknown) => Either.getOrThrow(decide(files)).facts
const refused = (files: unknown, bounds = FILE_BOUNDS) => Either.getOrThrow(Either.flip(decide(files, bounds)))

describe("D13 files-contained", () => {
  it("takes no files in every way to say so", () => {
    for (const none of [undefined, null, "", []]) expect(taken(none)).toEqual({ files: [], bytes: 0 })
  })

  it("carries the bytes that were sent", () => {
    const { bytes, files } = taken([file("a/b.txt", "hello"), file("é ☃.csv", "\0\xff")])
    expect(files.map(({ name }) => name)).toEqual(["a/b.txt", "é ☃.csv"])
    expect(files.map(({ content }) => Buffer.from(content).toString())).toEqual(["hello", "\0\xff"])
    expect(bytes).toBe(8)
  })

  it("brings names into their one form", () =>
    expect(taken([file("./a//./b"), file("...")]).files.map(({ name }) => name)).toEqual(["a/b", "..."]))

  it("understands encoders that break lines", () =>
    expect(taken([{ filename: "a", content: "aGVs\r\nbG8=\n" }]).bytes).toBe(5))

  it("takes an empty file", () => expect(taken([{ filename: "a", content: "" }]).bytes).toBe(0))

  const names: ReadonlyArray<unknown> = [
    ...["", ".", "./", "/", "/etc/passwd", "//a", "..", "../a", "a/..", "a/../b", "a/../../b", "./../a", "a/", "a/."],
    ...["a\0", "a\nb", "a\u001b[2J", "a\u007f", "a\u0085", "a\u2028", "\ud800", "x".repeat(256), "é".repeat(128)],
    ...["x/".repeat(16).concat("y"), `${"x".repeat(200)}/`.repeat(6), undefined, null, 5, {}, ["a"]]
  ]
  const contained = new Set(["a/."])
  for (const name of names)
    it(`${contained.has(String(name)) ? "takes" : "refuses"} ${JSON.stringify(name)?.slice(0, 40)}`, () => {
      if (contained.has(String(name))) return expect(taken([file(name)]).files[0]?.name).toBe("a")
      const { certainty, reason } = refused([file(name)])
      expect([certainty, reason.code, reason.status]).toEqual(["refused", "invalid_filename", 400])
      expect(reason.message).not.toMatch(CONTROL)
    })

  for (const wrong of [
    "a",
    "ab",
    "abc",
    "abcde",
    "====",
    "a===",
    "ab=c",
    "YQ==YQ==",
    "YQ",
    "Y Q=",
    "Y-Q_",
    "YQ==\0",
    "Y\u0151==",
    "\u0151Q==",
    5,
    null
  ])
    it(`refuses the content ${JSON.stringify(wrong)}`, () =>
      expect(refused([{ filename: "a", content: wrong }]).reason).toMatchObject({
        code: "invalid_base64",
        status: 400
      }))

  for (const wrong of [{}, 5, "a", true, [5], [null], ["a"]])
    it(`refuses ${JSON.stringify(wrong)} for files`, () => expect(refused(wrong).certainty).toBe("refused"))

  const clashes = [
    ["a", "a"],
    ["a", "./a"],
    ["a/b", "a//b"],
    ["a", "a/b"],
    ["a/b/c", "a"]
  ]
  for (const pair of clashes)
    it(`refuses ${pair.join(" beside ")}`, () =>
      expect(refused(pair.map((name) => file(name))).reason.code).toBe("duplicate_filename"))

  it("takes neighbours that look alike", () =>
    expect(taken([file("a"), file("ab/c"), file("A")]).files).toHaveLength(3))

  it("counts, and measures before it decodes", () => {
    const bounds = { count: 2, singleBytes: 4, totalBytes: 6 }
    const sizes = (...all: ReadonlyArray<number>) => all.map((size, index) => file(`f${index}`, "x".repeat(size)))
    expect(Either.isRight(decide(sizes(4, 2), bounds))).toBe(true)
    expect(refused(sizes(5), bounds).reason).toMatchObject({ code: "file_too_large", status: 413 })
    expect(refused(sizes(4, 3), bounds).reason).toMatchObject({ code: "files_too_large", status: 413 })
    expect(refused(sizes(1, 1, 1), bounds).reason).toMatchObject({ code: "too_many_files", status: 400 })
  })

  it("holds its defaults", () => {
    const half = { filename: "a", content: "AAAA".repeat(FILE_BOUNDS.singleBytes / 3 + 1) }
    expect(refused([half]).reason.code).toBe("file_too_large")
    expect(refused(Array.from({ length: 101 }, (_, index) => file(`f${index}`))).reason.code).toBe("too_many_files")
  })

  const segment = fc.oneof(fc.constantFrom("..", ".", "", "a", "b", "\\", "~"), fc.string({ maxLength: 12 }))
  const path = fc.array(segment, { minLength: 1, maxLength: 8 }).map((parts) => parts.join("/"))

  it("lets nothing out of its directory, however it is written", () => {
    fc.assert(
      fc.property(path, (filename) => {
        const decision = decide([file(filename)])
        if (Either.isLeft(decision)) {
          expect(decision.left.certainty).toBe("refused")
          return
        }
        const name = decision.right.facts.files[0]?.name ?? ""
        expect(posix.join("/tmp/input", name)).toBe(`/tmp/input/${name}`)
        expect(name.split("/")).not.toContain("..")
        expect(name).not.toMatch(CONTROL)
        expect(posix.normalize(filename)).toBe(name)
      }),
      { numRuns: 2_000 }
    )
  })

  it("gives back exactly what base64 held, and takes only base64", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const given = Buffer.from(bytes)
        const { files } = taken([{ filename: "a", content: given.toString("base64") }])
        expect(given.equals(files[0]?.content ?? Buffer.from("?"))).toBe(true)
      })
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        const decision = decide([{ filename: "a", content: text }])
        const strict = text.replace(/\r?\n/g, "")
        if (Either.isRight(decision))
          expect(Buffer.from(strict, "base64").toString("base64").length).toBe(strict.length)
      }),
      { numRuns: 2_000 }
    )
  })
})
