import { expect, it } from "vitest"
import { here, type Shares, shares } from "../../src/system/Descriptors.js"

const limits = (soft: string) =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}   20000   files\n`

/** What they take together when all are there. */
const taken = ({ api, egress, proxy, publicPorts }: Shares) => api + 2 * (proxy + publicPorts + egress)

it("leaves the server what it needs of its open files, whoever else comes", () => {
  expect(shares(limits("4000"))).toEqual({ api: 1_000, proxy: 500, publicPorts: 250, egress: 250 })
  for (const [open, own] of [
    [1_000_000, 250_000],
    [20_000, 5_000],
    [4_000, 1_000],
    [1_024, 256],
    [512, 256]
  ] as const)
    expect(taken(shares(limits(String(open))))).toBeLessThanOrEqual(open - own)
})

it("is bounded where nothing else bounds it, and lets somebody in where there is hardly anything", () => {
  const all = { api: 8_192, proxy: 16_384, publicPorts: 8_192, egress: 4_096 }
  expect(shares(limits("unlimited"))).toEqual(all)
  expect(shares("")).toEqual(all)
  expect(shares(limits("100"))).toEqual({ api: 1, proxy: 1, publicPorts: 1, egress: 1 })
  expect(here().api).toBeGreaterThan(0)
})
