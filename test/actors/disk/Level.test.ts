import { expect, it } from "vitest"
import { Level } from "../../../actors/disk/Level.js"

const MiB = 2 ** 20
const RESERVE = 256 * MiB
const disk = {
  reserveBytes: RESERVE,
  isShort: ({ freeBytes }: { readonly freeBytes: number }) => freeBytes < RESERVE
}
const space = (free: number, freeFiles = 1_000_000) => ({
  bytes: 8_192 * MiB,
  freeBytes: free * MiB,
  files: 2_000_000,
  freeFiles
})

it("says what was lost: bytes, or files, but nothing on the first look", () => {
  const level = new Level(disk)
  expect(level.look(space(4_000), 0)).toBe(0)
  expect(level.look(space(3_990), 1)).toBe(10 * MiB)
  expect(level.look(space(3_995), 2)).toBe(0)
  expect(level.look(space(3_995, 999_000), 3)).toBe(4_096_000)
})

it("is tight before it is short: by what it is, or by how fast it falls", () => {
  const level = new Level(disk)
  const tight = [4_000, 2_900, 2_900, 500, 200].map((free, at) => {
    level.look(space(free), at)
    return level.isTight
  })
  expect(tight).toEqual([false, true, false, true, true])
})

it("sinks when it is short and loses more than nothing to speak of, once for each piece", () => {
  const level = new Level(disk)
  const sinking = (now: number, free: number) => {
    level.look(space(free), now)
    return level.sinking(now) / MiB
  }
  expect([sinking(0, 300), sinking(1_000, 290)]).toEqual([0, 0])
  expect(sinking(2_000, 250)).toBe(40 / 1_000)
  expect(level.sinking(2_000)).toBe(0)
  expect([sinking(3_000, 249.5), sinking(4_000, 249.2)]).toEqual([0, 0])
  expect(sinking(5_000, 248.9)).toBeCloseTo(1.1 / 3_000)
  expect([sinking(6_000, 255), sinking(7_000, 254.5)]).toEqual([0, 0])
})
