/** OCI image layouts: ours go out and come back the same; hostile ones are refused, each for its own reason. */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { gzipSync } from "node:zlib"
import { Chunk, Effect, ManagedRuntime, Stream } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Digest, ServiceId } from "../../events/Ids.js"
import { Archives } from "../../src/store/Archives.js"
import { Layers } from "../../src/store/Layers.js"
import { Volumes } from "../../src/store/Volumes.js"
import { storageIn } from "../support/storage.js"
import { archiveOf, type Entry, imageOf, type Wrong } from "./images.js"
import { census, mark } from "./trees.js"

const bounds = { layerBytes: 300 * 2 ** 20, layerFiles: 200 }
const runtimeIn = (data: string) => ManagedRuntime.make(storageIn(data, [], bounds))

const id = ServiceId.make(`unsb-service-${"0".repeat(16)}`)
let scratch: string
let runtime: ReturnType<typeof runtimeIn>
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), "unsandbox-test-"))
  runtime = runtimeIn(join(scratch, "data"))
})
afterAll(async () => {
  await runtime.dispose()
  fs.rmSync(scratch, { recursive: true, force: true })
})

const digestOf = (bytes: Uint8Array) => Digest.make(`sha256:${createHash("sha256").update(bytes).digest("hex")}`)

const reading = (archive: Buffer, partial = false, digest = digestOf(archive)) =>
  Effect.flatMap(Archives, ({ read }) => read({ source: Readable.from([archive]), digest }, partial))

const imported = (archive: Buffer, partial = false) => runtime.runPromise(Effect.scoped(reading(archive, partial)))

/** Imported, and put in place. */
const unpacked = async (archive: Buffer, partial = false): Promise<string> => {
  const { layer } = await imported(archive, partial)
  return runtime.runPromise(
    Effect.gen(function* () {
      const [layers, volumes] = [yield* Layers, yield* Volumes]
      yield* volumes.replace(id, (fresh) => layers.unpack(layer.digest, fresh))
      return volumes.path(id)
    })
  )
}

const refusal = async (archive: Buffer, partial = false, digest?: Digest): Promise<string> => {
  const error = await runtime.runPromise(
    Effect.flip(Effect.scoped(reading(archive, partial, digest ?? digestOf(archive))))
  )
  const left = fs.readdirSync(join(scratch, "data/layers/unfinished"))
  expect(left).toEqual([])
  return "code" in error ? error.code : error._tag
}

const file = (name: string, content = "x", more: Partial<Entry> = {}): Entry => ({ name, content, ...more })
const directory = (name: string): Entry => ({ name, type: "directory" })
const link = (name: string, linkname: string, type: "link" | "symlink"): Entry => ({ name, type, linkname })

describe("an image that goes out", () => {
  it("is a layout that says what it is, and comes back the same", async () => {
    const path = join(scratch, "volume")
    for (const part of ["home/d", "srv", "tmp"]) fs.mkdirSync(join(path, part), { recursive: true })
    fs.writeFileSync(join(path, "home/a"), "a")
    fs.linkSync(join(path, "home/a"), join(path, "home/d/b"))
    fs.symlinkSync("/etc/passwd", join(path, "srv/c"))
    fs.writeFileSync(join(path, `tmp/${"long".repeat(50)}`), "l")
    fs.writeFileSync(join(path, "tmp/ü"), "u")
    const holes = fs.openSync(join(path, "tmp/holes"), "w")
    fs.ftruncateSync(holes, 50 * 2 ** 20)
    fs.writeSync(holes, "in the middle", 20 * 2 ** 20)
    fs.closeSync(holes)
    mark(path)
    fs.chmodSync(join(path, "home/a"), 0o000)
    const before = census(path).slice(1)

    const [digest, archive] = await runtime.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const layer = yield* (yield* Layers).pack(path)
          const { bytes, content } = yield* (yield* Archives).write(layer, { name: "base", createdMillis: 0 })
          const chunks = Chunk.toReadonlyArray(yield* Stream.runCollect(content))
          const all = Buffer.concat(chunks)
          expect(all.length).toBe(bytes)
          return [layer.digest, all] as const
        })
      )
    )
    const out = fs.mkdtempSync(join(scratch, "out-"))
    execFileSync("tar", ["-x", "-C", out], { input: archive })
    const json = (name: string) => JSON.parse(fs.readFileSync(join(out, name), "utf8"))
    const blob = (named: string) => json(`blobs/sha256/${named.slice(7)}`)
    expect(json("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" })
    const manifest = blob(json("index.json").manifests[0].digest)
    expect(blob(manifest.config.digest).rootfs.diff_ids).toEqual([digest])
    for (const name of fs.readdirSync(join(out, "blobs/sha256")))
      expect(digestOf(fs.readFileSync(join(out, "blobs/sha256", name)))).toBe(`sha256:${name}`)
    const names = execFileSync("tar", ["-tzf", join(out, "blobs/sha256", manifest.layers[0].digest.slice(7))], {
      encoding: "utf8"
    })
    expect(names).toContain("home/sandbox/d/b\n")

    const back = await unpacked(archive)
    expect(census(back).slice(1)).toEqual(before)
    expect((await imported(archive)).layer.digest).toBe(digest)
  })
})

describe("a foreign image", () => {
  it("is put in place, one layer over the other", async () => {
    const base = [directory("home/sandbox"), file("home/sandbox/a", "1"), file("./srv/b", "2"), directory("tmp")]
    const above = [
      file("home/sandbox/a", "changed"),
      link("srv/c", "/etc/passwd", "symlink"),
      link("srv/d", "srv/b", "link")
    ]
    const image = await imageOf([base, above], { more: [file("manifest.json", "[]")] })
    const path = await unpacked(image)
    expect(fs.readFileSync(join(path, "home/a"), "utf8")).toBe("changed")
    expect(fs.readlinkSync(join(path, "srv/c"))).toBe("/etc/passwd")
    expect(fs.statSync(join(path, "srv/d")).ino).toBe(fs.statSync(join(path, "srv/b")).ino)
    expect(fs.statSync(join(path, "srv/b")).uid).toBe(process.getuid?.() === 0 ? 0x70000000 : process.getuid?.())
    expect((await unpacked(await imageOf([base], { plain: true }))).length).toBeGreaterThan(0)
  })

  it("is taken in part where its sender says so", async () => {
    const layer = [file("etc/passwd"), directory("usr"), file("home/sandbox/a"), file("home/other/b")]
    expect(await refusal(await imageOf([layer]))).toBe("archive_outside")
    expect(await imported(await imageOf([layer]), true)).toMatchObject({ skipped: 3 })
    expect(fs.existsSync(join(await unpacked(await imageOf([layer]), true), "home/a"))).toBe(true)
  })
})

/** One entry that makes a layer hostile, or the entries before it too. */
const hostile: ReadonlyArray<readonly [string, string, ReadonlyArray<Entry>]> = [
  ["climbs", "archive_traversal", [file("home/sandbox/../../etc/passwd")]],
  ["climbs from the start", "archive_traversal", [file("../x")]],
  ["has an absolute name", "archive_absolute", [file("/etc/passwd")]],
  ["goes through a link", "archive_through_link", [link("srv/x", "/etc", "symlink"), file("srv/x/passwd")]],
  ["goes through a file", "archive_through_link", [file("srv/x"), file("srv/x/y")]],
  ["has a hard link outside", "archive_hardlink", [link("srv/x", "etc/shadow", "link")]],
  ["has a hard link that climbs", "archive_traversal", [link("srv/x", "../../etc/shadow", "link")]],
  [
    "has a hard link to a link",
    "archive_hardlink",
    [link("srv/x", "/etc/shadow", "symlink"), link("srv/y", "srv/x", "link")]
  ],
  [
    "has a character device",
    "archive_type",
    [{ name: "srv/null", type: "character-device", devmajor: 1, devminor: 3 }]
  ],
  ["has a block device", "archive_type", [{ name: "srv/sda", type: "block-device", devmajor: 8, devminor: 0 }]],
  ["sets the user", "archive_setuid", [file("srv/su", "x", { mode: 0o4755 })]],
  ["sets the group", "archive_setuid", [file("srv/su", "x", { mode: 0o2755 })]],
  ["has a name twice", "archive_duplicate", [file("srv/x"), file("./srv//x")]],
  ["takes something away", "archive_whiteout", [file("srv/.wh.x", "")]],
  ["takes all away", "archive_whiteout", [file("srv/.wh..wh..opq", "")]],
  ["has capabilities", "archive_attribute", [file("srv/x", "x", { pax: { "SCHILY.xattr.security.capability": "x" } })]],
  [
    "is sparse without end",
    "archive_sparse",
    [file("srv/x", "0\n", { pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9e18" } })]
  ],
  [
    "hides its name in another",
    "archive_traversal",
    [file("srv/x", "0\n", { pax: { "GNU.sparse.name": "../../x", "GNU.sparse.major": "1", "GNU.sparse.minor": "0" } })]
  ],
  ["has too many files", "archive_too_large", Array.from({ length: 201 }, (_, n) => file(`srv/${n}`))]
]

const wrong: ReadonlyArray<readonly [string, string, Wrong]> = [
  ["of another layout", "archive_document", { layout: '{"imageLayoutVersion":"2.0.0"}' }],
  ["without a layout", "archive_document", { without: "oci-layout" }],
  ["without an index", "archive_document", { without: "index.json" }],
  ["compressed in another way", "archive_document", { layerType: "application/vnd.oci.image.layer.v1.tar+zstd" }],
  [
    "with layers from elsewhere",
    "archive_document",
    { layerType: "application/vnd.oci.image.layer.nondistributable.v1.tar" }
  ],
  [
    "with a foreign configuration",
    "archive_document",
    { configType: "application/vnd.docker.container.image.v1+json" }
  ],
  ["of another system", "archive_document", { os: "windows" }],
  ["of several images", "archive_document", { manifests: (one) => [one, one] }],
  [
    "whose layer is not what its name says",
    "archive_digest",
    { blob: (right) => Buffer.concat([right, Buffer.from("x")]) }
  ],
  [
    "whose layer is not what its configuration says",
    "archive_digest",
    { diffIds: ([_]) => [`sha256:${"0".repeat(64)}`] }
  ],
  ["with other layers in its configuration", "archive_document", { diffIds: () => [] }],
  ["whose layer has another size", "archive_size", { layerSize: 1 }],
  ["with a file that has no place", "archive_entry", { more: [file("setup.sh")] }],
  ["with a link in the layout", "archive_type", { more: [link("index2", "/etc/passwd", "symlink")] }],
  ["with a blob that climbs", "archive_traversal", { more: [file("blobs/sha256/../../../x")] }],
  ["with an index twice", "archive_duplicate", { more: [file("index.json", "{}")] }]
]

describe("a hostile image is refused when it", () => {
  for (const [how, code, entries] of hostile)
    it(how, async () => {
      expect(await refusal(await imageOf([entries]))).toBe(code)
      expect(await refusal(await imageOf([[directory("srv")], entries]), true)).toBe(code)
    })

  it("goes through a link of a layer below", async () => {
    const image = await imageOf([[link("srv/x", "/etc", "symlink")], [file("srv/x/passwd")]])
    expect(await refusal(image)).toBe("archive_through_link")
  })

  it("makes a directory of a file of a layer below", async () =>
    expect(await refusal(await imageOf([[file("srv/x")], [directory("srv/x")]]))).toBe("archive_conflict"))

  it("is a bomb", async () => {
    const zeros = await imageOf([
      [file("srv/zeros", "", {}), { name: "srv/bomb", content: Buffer.alloc(100 * 2 ** 20) }]
    ])
    expect(zeros.length).toBeLessThan(2 ** 20)
    expect(await refusal(zeros)).toBe("archive_bomb")
  }, 30_000)

  for (const [how, code, what] of wrong)
    it(`is one ${how}`, async () => expect(await refusal(await imageOf([[file("srv/x")]], what))).toBe(code))
})

describe("what is no image", () => {
  it("is refused as what it is", async () => {
    const image = await imageOf([[file("srv/x", "x".repeat(100_000))]])
    expect(await refusal(Buffer.from("not a tar"))).toMatch(/^archive_(malformed|document)$/)
    expect(await refusal(image.subarray(0, image.length / 2))).toMatch(/^archive_(malformed|digest|document|missing)$/)
    expect(await refusal(gzipSync(image))).toBe("archive_malformed")
    expect(await refusal(image, false, digestOf(Buffer.from("else")))).toBe("archive_digest")
    expect(await refusal(await archiveOf([]))).toBe("archive_document")
    const damaged = await imageOf([[file("srv/x")]], {
      plain: false,
      layerType: "application/vnd.oci.image.layer.v1.tar"
    })
    expect(await refusal(damaged)).toBe("archive_malformed")
  })

  it("is refused as too large before it is here", async () => {
    const endless = async function* () {
      for (;;) yield Buffer.alloc(2 ** 20, 1)
    }
    const sending = { source: Readable.from(endless()), digest: digestOf(Buffer.from("")) }
    const error = await runtime.runPromise(
      Effect.flip(Effect.scoped(Effect.flatMap(Archives, ({ read }) => read(sending, false))))
    )
    expect("code" in error ? error.code : "").toMatch(/^archive_(too_large|malformed)$/)
  })
})
