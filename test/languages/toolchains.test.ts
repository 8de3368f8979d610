/** Finding the real programs: on this machine, and in small images made for the purpose. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { installation, installCommand } from "../../src/languages/Installation.js"
import { lookup } from "../../src/languages/Lookup.js"
import { find, languages } from "../../src/languages/Registry.js"
import { Toolchains, version } from "../../src/languages/Toolchains.js"
import { live } from "../support/it.js"

const root = mkdtempSync(join(tmpdir(), "unsandbox-image-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const image = {
  path: [join(root, "usr/local/bin"), join(root, "usr/bin")],
  trees: [join(root, "usr")],
  npm: join(root, "usr/npm")
}
const path = (name: string) => {
  const full = join(root, name)
  mkdirSync(dirname(full), { recursive: true })
  return full
}
const program = (name: string) => {
  writeFileSync(path(name), "#!/bin/sh\n")
  chmodSync(join(root, name), 0o755)
  return join(root, name)
}
const link = (target: string, name: string) => symlinkSync(target, path(name))

describe("lookup", () => {
  it("follows a link to the same program's real file", () => {
    const real = program("usr/bin/lang9.1")
    link("lang9.1", "usr/bin/lang")
    expect(lookup(image, ["lang"])).toBe(real)
  })

  it("keeps the name by which a program of many names is called", () => {
    program("usr/bin/busybox")
    link("busybox", "usr/bin/ash")
    expect(lookup(image, ["ash"])).toBe(join(root, "usr/bin/ash"))
  })

  it("does not see a shim that leads outside", () => {
    const outside = program("home/me/shims/shimmed")
    link(outside, "usr/local/bin/shimmed")
    expect(lookup(image, ["shimmed"])).toBeUndefined()
    const inside = program("usr/bin/shimmed")
    expect(lookup(image, ["shimmed"])).toBe(inside)
  })

  it("does not take what cannot be run", () => {
    writeFileSync(path("usr/bin/plain"), "text")
    mkdirSync(join(root, "usr/bin/directory"))
    link("nowhere", "usr/bin/dangling")
    link("looped", "usr/bin/looped")
    expect(lookup(image, ["plain", "directory", "dangling", "looped"])).toBeUndefined()
  })

  it("takes the first candidate there is, also from npm and by absolute path", () => {
    const tool = program("usr/npm/@scope/tool/bin")
    expect(lookup(image, ["absent", "npm:@scope/tool/bin"])).toBe(tool)
    writeFileSync(path("usr/share/lib.jar"), "")
    expect(lookup(image, [join(root, "usr/share/lib.jar")])).toBe(join(root, "usr/share/lib.jar"))
    expect(lookup(image, [join(root, "home/me/shims/shimmed")])).toBeUndefined()
  })
})

describe("on this machine", () => {
  live("bash is real, and says its version", () =>
    Effect.gen(function* () {
      const { available, shells } = yield* Toolchains
      const bash = available.get("bash")
      expect(bash?.paths.bin).toMatch(/^\/(usr\/(local\/)?)?bin\/bash$/)
      expect(shells.get("bash")?.argv).toEqual([bash?.paths.bin])
      if (bash !== undefined) expect(yield* version(bash)).toMatch(/\d+\.\d+/)
    }).pipe(Effect.provide(Toolchains.layer))
  )

  live("nothing lies in anybody's home", () =>
    Effect.gen(function* () {
      const { available } = yield* Toolchains
      const paths = [...available.values()].flatMap((chain) => Object.values(chain.paths))
      expect(paths.filter((found) => !/^\/(usr|opt|bin|sbin|lib)/.test(found))).toEqual([])
      expect(paths.filter((found) => found.includes("shims"))).toEqual([])
    }).pipe(Effect.provide(Toolchains.layer))
  )

  live("an image without programs has no languages, until they are put there", () =>
    Effect.gen(function* () {
      const toolchains = yield* Toolchains
      expect(toolchains.available.has("python")).toBe(false)
      program("usr/bin/python3.14")
      link("python3.14", "usr/bin/python3")
      yield* toolchains.refresh
      expect(toolchains.available.get("python")?.paths.bin).toBe(join(root, "usr/bin/python3.14"))
    }).pipe(Effect.provide(Toolchains.layerFor(image)))
  )
})

describe("what would be installed", () => {
  it("all, once each", () => {
    const all = installation("all")
    expect(all.apt.size + all.npm.size + all.unavailable.length).toBe(languages.length)
    expect(all.unknown).toEqual([])
    expect(all.wasm.length).toBeGreaterThan(0)
  })

  it("some, by any name, and what cannot be", () => {
    const some = installation(["py", "python", "ts", "julia", "nonsense"])
    expect([...some.apt.keys()]).toEqual(["python"])
    expect([...some.npm.keys()]).toEqual(["typescript"])
    expect(some.unavailable.map(({ id }) => id)).toEqual(["julia"])
    expect(some.unknown).toEqual(["nonsense"])
    expect(some.wasm).toEqual([])
    expect(installation(["c", "python"], true).wasm).toContain("wasi-libc")
  })

  it("in one command", () => {
    expect(installCommand(["py", "ruby", "julia"])).toBe("sudo npx unsandbox languages install python ruby")
    expect(installCommand(["julia"])).toBeUndefined()
  })

  it("names the pages of what no package manager has", () => {
    expect(find("zig")?.provider).toMatchObject({ kind: "none", home: expect.stringContaining("https://") })
  })
})
