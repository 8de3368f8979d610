/** Directories of the host that outlive the containers they are mounted in. */
import { lchownSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { expect } from "vitest"
import type { Host } from "../conformance.js"
import { box, type Suite, says, sh, text } from "../running.js"

export const volumes =
  (host: Host): Suite =>
  (test) => {
    test("carries what is written there from one container to the next", () =>
      Effect.gen(function* () {
        const volume = host.directory()
        const first = yield* box()
        yield* first.attach(volume)
        const write =
          "echo tmp >/tmp/x; echo home >/home/sandbox/x; echo srv >/srv/x; echo gone >/run/x; chmod 750 /srv/x"
        expect((yield* first.run(sh(write))).code).toBe(0)
        yield* first.destroy
        expect(["home", "srv", "tmp"].map((part) => readFileSync(join(volume, part, "x"), "utf8"))).toEqual([
          "home\n",
          "srv\n",
          "tmp\n"
        ])
        const second = yield* box()
        yield* second.attach(volume)
        const read = "cat /tmp/x ~/x /srv/x; cat /run/x 2>/dev/null; stat -c '%U %a' /srv/x; echo more >>/tmp/x"
        expect(yield* says(second, read, { env: { HOME: "/home/sandbox", PATH: "/usr/bin:/bin" } })).toBe(
          "tmp\nhome\nsrv\nsandbox 750"
        )
      }))

    test("puts files there and takes them from there", () =>
      Effect.gen(function* () {
        const container = yield* box()
        yield* container.attach(host.directory())
        const files = [{ path: "/tmp/in/a", mode: 0o600, content: Buffer.from("a") }]
        expect(yield* says(container, "mkdir out; cat in/a >out/b", { files })).toBe("")
        const { files: taken } = yield* container.collect("/tmp/out", { files: 9, bytes: 99, exclude: [] })
        expect(taken.map(({ content, path }) => [path, text(content)])).toEqual([["b", "a"]])
      }))

    test("mounts it without set-user-id programs and devices, and follows no link in it", () =>
      Effect.gen(function* () {
        const volume = host.directory()
        mkdirSync(join(volume, "srv"))
        mkdirSync(join(volume, "outside"))
        writeFileSync(join(volume, "outside", "file"), "")
        symlinkSync(join(volume, "outside"), join(volume, "srv", "link"))
        const { gid, uid } = statSync(volume)
        for (const part of ["srv", "srv/link", "outside"]) lchownSync(join(volume, part), uid, gid)
        const owner = statSync(join(volume, "outside", "file")).uid
        const container = yield* box()
        yield* container.attach(volume)
        for (const place of ["/tmp", "/srv", "/home/sandbox"]) {
          const flags = yield* says(container, `grep ' ${place} ' /proc/self/mountinfo | tail -n 1 | cut -d' ' -f6`)
          expect(flags).toMatch(/(?=.*nosuid)(?=.*nodev)/)
        }
        expect(statSync(join(volume, "outside", "file")).uid).toBe(owner)
        expect(yield* says(container, "ls /srv/link/ 2>/dev/null; echo nothing")).toBe("nothing")
      }))

    test("takes one, once, before anything ran", () =>
      Effect.gen(function* () {
        const [volume, container, used] = [host.directory(), yield* box(), yield* box()]
        yield* container.attach(volume)
        expect(yield* Effect.flip(container.attach(volume))).toMatchObject({ _tag: "SubstrateFailed", errno: 16 })
        yield* used.run(sh("true"))
        expect(yield* Effect.flip(used.attach(volume))).toMatchObject({ _tag: "SubstrateFailed", errno: 16 })
        expect(readdirSync(volume).sort()).toEqual(["home", "srv", "tmp"])
      }))

    test("refuses what is no directory of its own", () =>
      Effect.gen(function* () {
        const volume = host.directory()
        writeFileSync(join(volume, "file"), "")
        for (const path of [join(volume, "file"), join(volume, "none")])
          expect((yield* Effect.flip((yield* box()).attach(path)))._tag).toBe("SubstrateFailed")
        expect(yield* Effect.flip((yield* box()).attach("relative"))).toMatchObject({ stage: "argument" })
      }))
  }
