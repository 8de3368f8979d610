/** Verifies: what the sources of the guards mint is what the catalogue lists. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { catalogue } from "../../src/guards/Catalogue.js"

it("lists every module that mints a permit, once", () => {
  const directory = join(import.meta.dirname, "../../src/guards")
  const minted = readdirSync(directory).flatMap((file) =>
    [...readFileSync(join(directory, file), "utf8").matchAll(/Permit\.guard\(\s*"(D\d\d)"/g)].map((match) => match[1])
  )
  const built = Object.values(catalogue).map(({ point }) => point)
  expect(minted.sort()).toEqual(built)
})
