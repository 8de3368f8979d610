/** Verifies: every module of the guards loads. A test that imports one statically does not run when it does not. */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { Either } from "effect"
import { expect, it } from "vitest"

const directory = join(import.meta.dirname, "../../src/guards")

for (const file of readdirSync(directory))
  it(`loads ${file}`, async () => expect(await import(join(directory, file))).toBeTypeOf("object"))

it("has sound facts for every point", async () => {
  const { points } = await import("./points.js")
  expect(points.filter(({ decide, facts }) => Either.isLeft(decide(facts)))).toEqual([])
})
