/** Verifies: what is read of a tar as it goes by is the same wherever pieces part it. */
import * as fc from "fast-check"
import * as tar from "tar-stream"
import { describe, expect, it } from "vitest"
import { TarMeter } from "../../src/store/TarMeter.js"
import * as TarStream from "../../src/store/TarStream.js"

interface Member {
  readonly name: string
  readonly size: number
}

const tarOf = async (members: ReadonlyArray<Member>): Promise<Buffer> => {
  const pack = tar.pack()
  for (const { name, size } of members) pack.entry({ name }, Buffer.alloc(size, "x"))
  pack.finalize()
  const chunks: Array<Uint8Array> = []
  for await (const chunk of TarStream.chunks(pack)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const member = fc.record({
  name: fc.oneof(
    fc.integer({ min: 1, max: 300 }).map((length) => "n".repeat(length)),
    fc.integer({ min: 4_090, max: 4_100 }).map((length) => `é${"n".repeat(length - 2)}`)
  ),
  size: fc.integer({ min: 0, max: 2_000 })
})

describe("a tar that goes by", () => {
  it("is counted, and objected to, by its names alone", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(member, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 1_500 }), { minLength: 1 }),
        async (members, steps) => {
          const bytes = await tarOf(members)
          const meter = new TarMeter({ bytes: 1e9, files: 1e9, unpacked: ({ length }) => length })
          const long = members.findIndex(({ name }) => Buffer.byteLength(name) > 4_095)
          let objection: ReturnType<typeof meter.feed>
          for (let at = 0, turn = 0; at < bytes.length && objection === undefined; turn++) {
            const step = steps[turn % steps.length] ?? 1
            objection = meter.feed(bytes.subarray(at, at + step))
            at += step
          }
          expect(meter.files).toBe(long < 0 ? members.length : long)
          expect(meter.whole).toBe(long < 0)
          if (long >= 0) expect(objection?.message).toMatch(/too long: "\\xc3\\xa9n{38}…n{40}"/)
          else expect(objection).toBeUndefined()
        }
      ),
      { numRuns: 200 }
    ))
})
