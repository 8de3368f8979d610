/** What outlives the control plane: `lives` starts a driver anew for each body, on what the one before it left. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type Context, Effect, type Scope } from "effect"
import { expect } from "vitest"
import { type Container, type Kept, Substrate } from "../../../src/substrate/Substrate.js"
import type { Host } from "../conformance.js"
import { command, eventually, limits, says, sh, text } from "../running.js"

type Lives = <A, E>(body: Effect.Effect<A, E, Substrate | Scope.Scope>) => Effect.Effect<A, unknown>
type Test = (name: string, body: () => Effect.Effect<unknown, unknown, Scope.Scope>) => void
type Create = Context.Tag.Service<typeof Substrate>["create"]

const endless = { timeoutMillis: 0 }

/** What a body leaves there by its own word: no scope destroys it. */
const leaving = <A, E>(body: (create: Create) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.flatMap(Substrate, ({ create }) => body(create))

const found = Effect.flatMap(Substrate, ({ kept }) => kept)

const one = Effect.flatMap(found, ([kept, ...more]) =>
  kept === undefined || more.length > 0 ? Effect.dieMessage(`${more.length} more are kept`) : Effect.succeed(kept)
)

const isOver = (container: Container) =>
  Effect.map(Effect.flip(container.run(command(["true"]))), ({ _tag }) => _tag === "SubstrateFailed")

export const survival = (lives: Lives, host: Host, test: Test) => {
  /** Interruptible inside: a driver that is started where nothing can be interrupted could not be stopped. */
  const clear = Effect.ignore(
    Effect.interruptible(lives(Effect.flatMap(found, (all) => Effect.all(all.map((each) => each.container.destroy)))))
  )
  /** Whatever the bodies did, nothing is left of it. */
  const surviving = (name: string, body: () => Effect.Effect<unknown, unknown, Scope.Scope>) =>
    test(name, () => Effect.ensuring(body(), clear))

  surviving("keeps what it was told to keep, as it is, and nothing else", () =>
    Effect.gen(function* () {
      const [pid, other] = yield* lives(
        leaving((create) =>
          Effect.gen(function* () {
            const [box, other] = yield* Effect.all([create("box", limits), create("box", limits)])
            yield* box.keep("unsb-one two")
            yield* says(box, "echo mine >/tmp/file")
            return [box.seal.get("pid"), other.seal.get("ns.pid")]
          })
        )
      )
      yield* lives(
        Effect.gen(function* () {
          const { container, frozen, label, launched } = yield* one
          expect([label, frozen, launched.length]).toEqual(["unsb-one two", false, 0])
          expect(container.seal.get("pid")).toBe(pid)
          expect(container.seal.get("ns.pid")).not.toBe(other)
          expect(yield* says(container, "cat /tmp/file")).toBe("mine")
          const beside = yield* leaving((create) => create("box", limits))
          expect(yield* says(beside, "cat /tmp/file 2>/dev/null; echo fresh")).toBe("fresh")
          expect(yield* container.destroy).toMatchObject({ reason: "asked", left: 0 })
          expect(yield* isOver(container)).toBe(true)
          expect(yield* found).toEqual([])
        })
      )
      expect(yield* lives(found)).toEqual([])
    })
  )

  surviving("keeps it over many lives, under its latest label", () =>
    Effect.gen(function* () {
      yield* lives(leaving((create) => Effect.flatMap(create("box", limits), (box) => box.keep("first"))))
      for (const label of ["first", "1", "2"]) {
        const next = String(Number.parseInt(label, 10) + 1 || 1)
        yield* lives(
          Effect.flatMap(one, (kept) => {
            expect(kept.label).toBe(label)
            return kept.container.keep(next)
          })
        )
      }
    })
  )

  surviving("ends what ran for who is gone", () =>
    Effect.gen(function* () {
      yield* lives(
        leaving((create) =>
          Effect.gen(function* () {
            const box = yield* create("box", limits)
            yield* box.keep("box")
            yield* Effect.forkScoped(Effect.ignore(box.run(sh("sleep 45678; true"))))
            yield* eventually(Effect.map(says(box, "cat /proc/[0-9]*/cmdline | grep -c 4567[8]"), (n) => n !== "0"))
          })
        )
      )
      const runs = ({ container }: Kept) => says(container, "cat /proc/[0-9]*/cmdline | grep -c 4567[8]")
      yield* lives(Effect.flatMap(one, (kept) => eventually(Effect.map(runs(kept), (n) => n === "0"))))
    })
  )

  surviving("leaves a launched command running, and takes signals for it afterwards", () =>
    Effect.gen(function* () {
      const path = join(host.directory(), "log")
      const script = "trap 'echo caught; exit 7' TERM; echo begun; while :; do sleep 0.02; done"
      yield* lives(
        leaving((create) =>
          Effect.gen(function* () {
            const box = yield* create("box", limits)
            yield* box.keep("box")
            yield* box.launch(sh(script, endless), { path, cap: 65_536 })
          })
        )
      )
      yield* lives(
        Effect.gen(function* () {
          const { launched } = yield* one
          expect(launched.length).toBe(1)
          yield* launched[0]?.signal(15) ?? Effect.void
          expect(yield* launched[0]?.exited ?? Effect.void).toMatchObject({ how: "exited", code: 7 })
          expect(readFileSync(path, "utf8")).toMatch(/^begun\n(.*\n)?caught\n$/)
        })
      )
      yield* lives(Effect.map(one, ({ launched }) => expect(launched).toEqual([])))
    })
  )

  surviving("tells the end of a launched command that nobody was there to hear", () =>
    Effect.gen(function* () {
      const path = join(host.directory(), "log")
      yield* lives(
        leaving((create) =>
          Effect.gen(function* () {
            const box = yield* create("box", limits)
            yield* box.keep("box")
            yield* box.launch(sh("sleep 0.2; echo out; echo err >&2; exit 3", endless), { path, cap: 65_536 })
            yield* box.launch(sh("sleep 0.2; kill -9 $$", endless), { path: `${path}-2`, cap: 65_536 })
          })
        )
      )
      yield* Effect.sleep("500 millis")
      yield* lives(
        Effect.gen(function* () {
          const { container, launched } = yield* one
          const ends = yield* Effect.forEach(launched, ({ exited }) => exited)
          expect(ends).toMatchObject([
            { how: "exited", code: 3 },
            { how: "signalled", code: 9 }
          ])
          expect(text(readFileSync(path))).toBe("out\nerr\n")
          expect(yield* says(container, "echo goes on")).toBe("goes on")
        })
      )
    })
  )

  if (host.freezes)
    surviving("leaves a frozen one frozen", () =>
      Effect.gen(function* () {
        yield* lives(
          leaving((create) =>
            Effect.gen(function* () {
              const box = yield* create("box", limits)
              yield* box.keep("box")
              yield* box.freeze
            })
          )
        )
        yield* lives(
          Effect.gen(function* () {
            const { container, frozen } = yield* one
            expect(frozen).toBe(true)
            yield* container.unfreeze
            expect(yield* says(container, "echo awake")).toBe("awake")
          })
        )
      })
    )

  test("refuses labels that make no sense", () =>
    lives(
      leaving((create) =>
        Effect.gen(function* () {
          const box = yield* create("box", limits)
          for (const label of ["", "ü", "a\nb", "x".repeat(129)])
            expect(yield* Effect.flip(box.keep(label))).toMatchObject({ stage: "argument" })
        })
      )
    ))
}
