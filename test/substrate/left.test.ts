import { Effect } from "effect"
import { expect } from "vitest"
import { left } from "../../src/substrate/local/Left.js"
import * as LocalSubstrate from "../../src/substrate/local/LocalSubstrate.js"
import { live } from "../support/it.js"
import { directory } from "../support/storage.js"
import { box, command, running } from "./running.js"

live("a look shows who is in a container, nobody once it is gone, and nothing of another in its place", () =>
  Effect.gen(function* () {
    const data = yield* directory
    const look = Effect.gen(function* () {
      const container = yield* box()
      const alone = yield* container.left
      expect(alone).toBeGreaterThan(0)
      yield* container.start(command(["/bin/sleep", "30"]), { stdin: false })
      expect(yield* container.left).toBe((alone ?? 0) + 1)
      const another = new Map(container.seal).set("ns.pid", "1")
      expect(yield* left(another)).toBe(0)
      expect(yield* left(new Map(container.seal).set("cgroup", ""))).toBeNull()
      yield* container.destroy
      expect(yield* container.left).toBe(0)
    })
    yield* running(LocalSubstrate.layer({ data, acceptWeak: false }), Effect.scoped(look))
  })
)
