/** What SECURITY.md names as proof is there, and no attack is tried that it does not name. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { catalogue } from "../../src/guards/Catalogue.js"

const root = join(import.meta.dirname, "..", "..")
const text = readFileSync(join(root, "SECURITY.md"), "utf8")
const named = (pattern: RegExp): ReadonlyArray<string> => [
  ...new Set([...text.matchAll(pattern)].map(([path]) => path))
]

it("every file that it names exists", () => {
  const paths = named(/\b(?:test|src|actors|events|docs)\/[\w./-]*\w/g)
  expect(paths.filter((path) => path.endsWith(".test.ts")).length).toBeGreaterThan(20)
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

it("every test of an attack is named in it", () => {
  const attacks = readdirSync(join(root, "test", "attacks")).filter((name) => name.endsWith(".test.ts"))
  expect(attacks.filter((name) => !text.includes(`test/attacks/${name}`))).toEqual([])
})

it("every decision point that it names is one", () => {
  const points = named(/\bD\d\d\b/g)
  expect(points.filter((point) => !Object.keys(catalogue).includes(point))).toEqual([])
})
