import { expect, it } from "vitest"
import { connections, here } from "../../src/http/wire/Descriptors.js"

const limits = (soft: string) =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}   20000   files\n`

it("leaves the server what it needs of its open files", () => {
  expect(connections(limits("20000"))).toBe(15_000)
  expect(connections(limits("1024"))).toBe(768)
  expect(connections(limits("512"))).toBe(256)
  expect(connections(limits("100"))).toBe(1)
  expect(connections(limits("unlimited"))).toBe(Number.POSITIVE_INFINITY)
  expect(here()).toBeGreaterThan(0)
})
