/** Files in and out. */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import { expect } from "vitest"
import { box, MIB, type Suite, says, sh, text } from "../running.js"

const everything = { files: 100, bytes: 16 * MIB, exclude: [] }

const file = (path: string, content: string | Uint8Array, mode = 0o644) => ({
  path,
  mode,
  content: typeof content === "string" ? Buffer.from(content) : content
})

export const files: Suite = (test) => {
  test("puts files with their modes, parents included, over what was there", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const first = [file("/tmp/a/b/c.txt", "one", 0o640), file("/tmp/run.sh", "#!/bin/sh\necho ran\n", 0o755)]
      expect(yield* says(container, "stat -c '%a %U %n' a/b/c.txt run.sh; ./run.sh", { files: first })).toBe(
        "640 sandbox a/b/c.txt\n755 sandbox run.sh\nran"
      )
      const second = [file("/tmp/a/b/c.txt", "2"), file("/tmp/empty", "")]
      expect(yield* says(container, "cat a/b/c.txt; stat -c ' %s' empty", { files: second })).toBe("2 0")
    }))

  test("puts a file of 10 MiB and takes it back", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const content = Buffer.alloc(10 * MIB, "all kinds of bytes \u0000 \u00ff")
      const digest = createHash("sha256").update(content).digest("hex")
      const said = yield* says(container, "sha256sum big/file; cat >/dev/null", {
        files: [file("/tmp/big/file", content)]
      })
      expect(said.slice(0, 64)).toBe(digest)
      const { complete, files } = yield* container.collect("/tmp/big", everything)
      expect([complete, files.length]).toEqual([true, 1])
      expect(
        createHash("sha256")
          .update(files[0]?.content ?? "")
          .digest("hex")
      ).toBe(digest)
    }))

  test("runs nothing whose files do not fit", () =>
    Effect.gen(function* () {
      const container = yield* box({ tmpBytes: 2 * MIB })
      const failed = yield* Effect.flip(
        container.run(sh("echo ran", { files: [file("/tmp/big", Buffer.alloc(8 * MIB, 1))] }))
      )
      expect(failed).toMatchObject({ _tag: "SubstrateFailed", errno: 28 })
    }))

  test("follows no link of the tenant's when it puts a file", () =>
    Effect.gen(function* () {
      const container = yield* box()
      yield* container.run(sh("ln -s /etc /tmp/out; mkdir real; ln -s /tmp/real /tmp/alias"))
      const failed = yield* Effect.flip(container.run(sh("true", { files: [file("/tmp/out/x", "no")] })))
      expect(failed._tag).toBe("SubstrateFailed")
    }))

  test("collects regular files below a directory, and only those", () =>
    Effect.gen(function* () {
      const container = yield* box()
      yield* container.run(
        sh(`mkdir -p out/deep/er out/none; cd out; echo one >one; echo two >deep/er/two; chmod 755 deep/er/two
            : >empty; ln -s /etc/passwd link; ln -s deep dirlink; mkfifo pipe; echo x >'odd
name'; echo skip >skipped; echo skip >deep/skipped`)
      )
      const { complete, files } = yield* container.collect("/tmp/out", {
        ...everything,
        exclude: ["skipped", "deep/skipped"]
      })
      expect(complete).toBe(true)
      expect(files.map(({ content, mode, path }) => [path, mode & 0o777, text(content)]).sort()).toEqual([
        ["deep/er/two", 0o755, "two\n"],
        ["empty", 0o644, ""],
        ["odd\nname", 0o644, "x\n"],
        ["one", 0o644, "one\n"]
      ])
    }))

  test("collects within its bounds and says when there was more", () =>
    Effect.gen(function* () {
      const container = yield* box()
      yield* container.run(sh("mkdir out; cd out; for i in 1 2 3 4 5; do head -c 1000 /dev/zero >f$i; done"))
      const few = yield* container.collect("/tmp/out", { ...everything, files: 2 })
      expect([few.complete, few.files.length]).toEqual([false, 2])
      const small = yield* container.collect("/tmp/out", { ...everything, bytes: 2500 })
      expect([small.complete, small.files.length]).toEqual([false, 2])
      const all = yield* container.collect("/tmp/out", { ...everything, files: 5, bytes: 5000 })
      expect([all.complete, all.files.length]).toEqual([true, 5])
    }))

  test("survives names that are not text", () =>
    Effect.gen(function* () {
      const container = yield* box()
      yield* container.run(sh("mkdir out; cd out; echo x >$(printf 'a\\377b'); echo y >fine"))
      const { complete, files } = yield* container.collect("/tmp/out", everything)
      expect([complete, files.map(({ path }) => path)]).toEqual([false, ["fine"]])
    }))

  test("collects nothing from what is not there", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const outcome = yield* Effect.either(container.collect("/tmp/nothing", everything))
      if (outcome._tag === "Right") expect(outcome.right.files).toEqual([])
      else expect(outcome.left._tag).toBe("SubstrateFailed")
      expect(yield* says(container, "echo alive")).toBe("alive")
    }))

  test("leaves nobody who could change files while they are taken", () =>
    Effect.gen(function* () {
      const container = yield* box()
      yield* container.run(sh("mkdir out; (while :; do echo x >>out/grows; done) & setsid sleep 1000 & true"))
      yield* container.collect("/tmp/out", everything)
      expect(yield* says(container, "cat /proc/[0-9]*/comm | grep -c sleep")).toBe("0")
    }))
}
