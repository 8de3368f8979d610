/** Verifies: what D13 says of input files, and where exactly it begins to refuse them. */
import { Either } from "effect"
import { expect, it } from "vitest"
import { FILE_BOUNDS, filesContained } from "../../src/guards/FilesContained.js"
import { ownKeyKept } from "../../src/guards/OwnKey.js"

const MIB = 2 ** 20
const content = (bytes: number) => Buffer.alloc(bytes, 1).toString("base64")
const file = (filename: unknown, bytes = 1) => ({ filename, content: content(bytes) })

const told = (files: unknown, bounds = FILE_BOUNDS) =>
  Either.match(filesContained.decide({ files, bounds }), {
    onLeft: ({ reason }) => ({ ...reason }),
    onRight: ({ facts }) => facts.files.map(({ name }) => name)
  })

it("takes names to the very longest", () => {
  const deep = `${"x/".repeat(15)}y`
  const part = "x".repeat(255)
  const long = `${`${"a".repeat(254)}/`.repeat(4)}bbbb`
  for (const name of [deep, part, long]) expect(told([file(name)])).toEqual([name])
  expect(told([file("a"), file("b/c"), file("b/d"), file("ab")])).toEqual(["a", "b/c", "b/d", "ab"])
})

it("says what is wrong with a name, and which", () => {
  const long = `${`${"a".repeat(254)}/`.repeat(4)}bbbbb`
  const wrong: ReadonlyArray<readonly [string, string]> = [
    [long, "is longer than 1024 bytes"],
    ["a\nb", "has a control character"],
    ["/etc/passwd", "is absolute; name it relative to the input directory"],
    ["a/../b", 'names a parent directory ("..")'],
    ["a/", "ends in / and so names a directory"],
    [".", "names no file"],
    [`${"x/".repeat(16)}y`, "is deeper than 16 directories"],
    ["x".repeat(256), "has a part longer than 255 bytes"],
    [`a/${"é".repeat(128)}/c`, "has a part longer than 255 bytes"]
  ]
  for (const [filename, why] of wrong) {
    const shown = filename.replace("\n", "\ufffd").slice(0, 80)
    expect(told([file(filename)])).toEqual({
      code: "invalid_filename",
      message: `The filename ${JSON.stringify(shown)} ${why}.`,
      status: 400,
      details: { filename: shown }
    })
  }
  for (const filename of ["", undefined, null, 5, {}])
    expect(told([file(filename)])).toEqual({
      code: "invalid_filename",
      message: "Each input file needs a filename.",
      status: 400,
      details: {}
    })
})

it("says what is wrong with files", () => {
  const none = { code: "invalid_file", status: 400, details: {} }
  for (const files of ["x", {}, 7, true])
    expect(told(files)).toEqual({ ...none, message: "input_files must be a list of {filename, content}." })
  for (const one of ["x", null, 7, undefined])
    expect(told([one])).toEqual({ ...none, message: "Each input file is an object with filename and content." })
  for (const wrong of ["YQ", "Y-Q=", "Y_Q=", "YQ=", "ÿQ==", "Y Q=", 7, undefined, "====", "\ufeffYQ"])
    expect(told([{ filename: "a", content: wrong }])).toEqual({
      code: "invalid_base64",
      message: "content must be a base64 string: A-Z a-z 0-9 + /, padded with = to a multiple of four.",
      status: 400,
      details: { filename: "a" }
    })
  expect(told([file("a"), file("./a")])).toEqual({
    code: "duplicate_filename",
    message: '"a" is there twice.',
    status: 400,
    details: { filename: "a" }
  })
  for (const files of [
    [file("a"), file("a/b")],
    [file("x/y/z"), file("x/y")],
    [file("q/r/s/t"), file("q")]
  ]) {
    const clash = files.map(({ filename }) => String(filename)).sort((one, other) => one.length - other.length)[0]
    expect(told(files)).toEqual({
      code: "duplicate_filename",
      message: `"${clash}" is both a file and a directory of another file.`,
      status: 400,
      details: { filename: clash }
    })
  }
})

it("says what is too much, and of what", () => {
  const bounds = { count: 2, totalBytes: 2 * MIB, singleBytes: MIB }
  expect(told([file("a", MIB), file("b", MIB)], bounds)).toEqual(["a", "b"])
  expect(told([file("a"), file("b"), file("c")], bounds)).toEqual({
    code: "too_many_files",
    message: "3 input files; 2 are allowed. Send an archive.",
    status: 400,
    details: { count: 3, limit: 2 }
  })
  expect(told([file("a", MIB + 1)], bounds)).toEqual({
    code: "file_too_large",
    message: '"a" is larger than 1 MiB.',
    status: 413,
    details: { filename: "a", bytes: MIB + 1, limit: MIB }
  })
  expect(told([file("a", MIB), file("b", MIB)], { ...bounds, totalBytes: 2 * MIB - 1 })).toMatchObject({
    code: "files_too_large",
    message: expect.stringMatching(/^All files together are larger than 1\.99\d+ MiB\.$/),
    status: 413,
    details: { filename: "b", bytes: MIB, limit: 2 * MIB - 1 }
  })
})

it("says where the caller's own secret stands, and never the secret", () => {
  const secrets = ["unsb-sk-own", "unsb-sk-parent"]
  const handing = (handed: ReadonlyArray<{ where: "vault" | "bootstrap"; name: string; value: string }>) =>
    Either.match(ownKeyKept.decide({ handed, secrets }), {
      onLeft: ({ reason }) => ({ ...reason }),
      onRight: ({ facts }) => facts
    })
  expect(
    handing([
      { where: "vault", name: "A", value: "" },
      { where: "bootstrap", name: "x", value: "echo" }
    ])
  ).toEqual({})
  const said = (what: string) =>
    new RegExp(
      `^${what} holds the secret of your own key.*"child_key": true.*UNSANDBOX_PUBLIC_KEY and UNSANDBOX_SECRET_KEY\\.$`
    )
  expect(
    handing([
      { where: "vault", name: "A", value: "x" },
      { where: "vault", name: "B", value: "=unsb-sk-parent;" }
    ])
  ).toEqual({
    code: "own_key_in_vault",
    message: expect.stringMatching(said('env "B"')),
    status: 400,
    details: { field: "env" }
  })
  expect(handing([{ where: "bootstrap", name: "x", value: "unsb-sk-own" }])).toEqual({
    code: "own_key_in_bootstrap",
    message: expect.stringMatching(said("The bootstrap")),
    status: 400,
    details: { field: "bootstrap" }
  })
})
