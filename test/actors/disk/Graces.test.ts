import { expect, it } from "vitest"
import { Graces } from "../../../actors/disk/Graces.js"
import { ServiceId } from "../../../events/Ids.js"

const MiB = 2 ** 20
const id = ServiceId.make("unsb-service-0123456789abcdef")
const minutes = 60_000

it("lasts a minute, in which it may only become smaller", () => {
  const graces = new Graces(256 * MiB)
  expect(graces.give(id, 300 * MiB, 0)).toBe(true)
  expect([graces.has(id, 59_999), graces.has(id, minutes)]).toEqual([true, false])
  expect(graces.isBroken(id, 301 * MiB, 1_000)).toBe(false)
  expect(graces.isBroken(id, 302 * MiB, 1_000)).toBe(true)
  expect(graces.isBroken(id, 280 * MiB, 2_000)).toBe(false)
  expect(graces.isBroken(id, 290 * MiB, 3_000)).toBe(true)
  expect(graces.isBroken(id, 500 * MiB, minutes)).toBe(false)
})

it("is given twice in ten minutes", () => {
  const graces = new Graces(256 * MiB)
  expect([graces.give(id, 1, 0), graces.give(id, 1, minutes), graces.give(id, 1, 2 * minutes)]).toEqual([
    true,
    true,
    false
  ])
  expect(graces.wait(id, 2 * minutes)).toBe(8 * minutes)
  expect(graces.wait(id, 10 * minutes)).toBe(0)
  expect(graces.give(id, 1, 10 * minutes)).toBe(true)
})

it("is not for what is new, but for what was frozen and is started anew", () => {
  const graces = new Graces(256 * MiB)
  expect(graces.begin(id, 300 * MiB, 0)).toBe(false)
  graces.froze(id, 0)
  graces.forget(minutes)
  expect(graces.begin(id, 300 * MiB, minutes)).toBe(true)
  graces.fits(id, 1.5 * minutes)
  expect([graces.has(id, 1.5 * minutes), graces.begin(id, 300 * MiB, 2 * minutes)]).toEqual([false, false])
  graces.froze(id, 0)
  graces.forget(8 * 24 * 60 * minutes)
  expect(graces.begin(id, 300 * MiB, 8 * 24 * 60 * minutes)).toBe(false)
})
