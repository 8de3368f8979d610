/** The wire: what is written is what is read, however the bytes arrive, and nothing else is accepted. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { MAX_FRAME, Splitter } from "../../src/substrate/local/Frame.js"
import { Malformed } from "../../src/substrate/local/Reader.js"
import * as Reply from "../../src/substrate/local/Reply.js"
import * as Request from "../../src/substrate/local/Request.js"
import * as Seal from "../../src/substrate/local/Seal.js"
import { Writer } from "../../src/substrate/local/Writer.js"
import { container, reply, request } from "./frames.js"
import { framesOf, readRequest, writeReply } from "./spawnerSide.js"

const encode = (writer: Writer, to: number, of: Request.Request): Buffer => {
  Request.write(writer, to, of)
  return Buffer.concat([writer.take(), Request.tail(of) ?? Buffer.alloc(0)])
}

/** Cuts at the given places, in any order. */
const chunks = (bytes: Buffer, cuts: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

const cuts = fc.array(fc.nat(), { maxLength: 30 })
const malformed = (bytes: Buffer) => () => framesOf(Reply.read).push(bytes)

describe("frames", () => {
  it("to the spawner arrive as they were sent", () => {
    const many = fc.array(fc.record({ container, frame: request }), { maxLength: 6 })
    fc.assert(
      fc.property(many, cuts, (sent, at) => {
        const writer = new Writer()
        const bytes = Buffer.concat(sent.map((one) => encode(writer, one.container, one.frame)))
        const { frames, push } = framesOf(readRequest)
        for (const chunk of chunks(bytes, at)) push(chunk)
        expect(frames).toEqual(sent)
      }),
      { numRuns: 300 }
    )
  })

  it("from the spawner arrive as they were sent", () => {
    const many = fc.array(fc.record({ container, frame: reply }), { maxLength: 6 })
    fc.assert(
      fc.property(many, cuts, (sent, at) => {
        const bytes = Buffer.concat(sent.map((one) => writeReply(one.container, one.frame)))
        const { frames, push } = framesOf(Reply.read)
        for (const chunk of chunks(bytes, at)) push(chunk)
        expect(frames).toEqual(sent)
      }),
      { numRuns: 300 }
    )
  })

  it("never yield anything but frames or Malformed from any bytes", () => {
    const broken = fc.tuple(reply, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }))
    fc.assert(
      fc.property(broken, cuts, ([one, edits], at) => {
        const bytes = Buffer.from(writeReply(1, one))
        for (const [place, value] of edits) bytes[place % bytes.length] = value
        const { push } = framesOf(Reply.read)
        try {
          for (const chunk of chunks(bytes, at)) push(chunk)
        } catch (cause) {
          expect(cause).toBeInstanceOf(Malformed)
        }
      }),
      { numRuns: 1000 }
    )
  })

  it("are bounded before their bytes arrive", () => {
    const head = (length: number) => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(length)
      return bytes
    }
    expect(malformed(head(MAX_FRAME + 1))).toThrow(Malformed)
    expect(malformed(head(4))).toThrow(Malformed)
    expect(malformed(head(MAX_FRAME))).not.toThrow()
  })

  it("keep no view of a chunk beyond it", () => {
    const bytes = writeReply(7, { _tag: "Started", exec: 1, pid: 2 })
    const { frames, push } = framesOf(Reply.read)
    const first = Buffer.from(bytes.subarray(0, 9))
    push(first)
    first.fill(0xff)
    push(Buffer.from(bytes.subarray(9)))
    expect(frames).toEqual([{ container: 7, frame: { _tag: "Started", exec: 1, pid: 2 } }])
  })

  it("leave nothing behind when a number is out of range", () => {
    const writer = new Writer()
    expect(() => Request.write(writer, 1, { _tag: "Signal", exec: -1, signo: 9 })).toThrow(RangeError)
    expect(writer.size).toBe(0)
    const { frames, push } = framesOf(readRequest)
    push(encode(writer, 1, { _tag: "Destroy" }))
    expect(frames).toEqual([{ container: 1, frame: { _tag: "Destroy" } }])
  })
})

describe("replies are refused", () => {
  const cut = (bytes: Buffer, more: ReadonlyArray<number> = []) => {
    const wrong = Buffer.concat([bytes, Buffer.from(more)])
    wrong.writeUInt32LE(wrong.length - 4)
    return wrong
  }
  const started = writeReply(1, { _tag: "Started", exec: 1, pid: 2 })
  const named = (path: string) =>
    writeReply(1, { _tag: "File", exec: 1, path, mode: 0, size: 0, last: true, bytes: Buffer.alloc(0) })
  const wrong: Record<string, Buffer> = {
    "with bytes too many": cut(started, [0]),
    "with bytes too few": cut(started.subarray(0, -1)),
    "of an unknown type": cut(Buffer.from([0, 0, 0, 0, 0xff, 1, 0, 0, 0])),
    "with a stream that is none": cut(Buffer.from([0, 0, 0, 0, Reply.TYPE.Out, 1, 0, 0, 0, 1, 0, 0, 0, 3])),
    "with a number that a double cannot hold": cut(
      Buffer.concat([Buffer.from([0, 0, 0, 0, Reply.TYPE.Gone, 1, 0, 0, 0, 0]), Buffer.alloc(20, 0xff)])
    ),
    "with a seal that is no text": cut(Buffer.from([0, 0, 0, 0, Reply.TYPE.Created, 1, 0, 0, 0, 1, 0, 0, 0, 0xff])),
    "with a list longer than the frame": cut(
      Buffer.from([0, 0, 0, 0, Reply.TYPE.Listing, 1, 0, 0, 0, 255, 255, 255, 255])
    ),
    "with a path that climbs": named("a/../../b"),
    "with an absolute path": named("/etc/passwd"),
    "with an empty path": named("")
  }
  for (const [what, bytes] of Object.entries(wrong)) it(what, () => expect(malformed(bytes)).toThrow(Malformed))

  it("but a tenant's file name that is no text is only skipped", () => {
    const name = Buffer.from([0, 0, 0, 0, Reply.TYPE.File, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0xff])
    const { frames, push } = framesOf(Reply.read)
    push(cut(name, [...Buffer.alloc(12), 1]))
    expect(frames[0]?.frame).toMatchObject({ _tag: "File", path: undefined })
  })
})

describe("seal", () => {
  it("is a map of its lines", () =>
    expect([...Seal.parse("pid=1\nuidmap=0 5 1\ncgroup=a=b;c\nempty=\n")]).toEqual([
      ["pid", "1"],
      ["uidmap", "0 5 1"],
      ["cgroup", "a=b;c"],
      ["empty", ""]
    ]))
  for (const text of ["pid=1\npid=2", "=x", "nothing"])
    it(`is refused: ${JSON.stringify(text)}`, () => expect(() => Seal.parse(text)).toThrow(Malformed))
})

it("splits a large stream without keeping it", () => {
  const out = writeReply(1, { _tag: "Out", exec: 1, stream: "stdout", bytes: Buffer.alloc(60_000) })
  const stream = Buffer.concat(Array.from({ length: 50 }, () => out))
  let seen = 0
  const splitter = new Splitter((_type, _container, payload) => {
    seen += payload.rest().length
  })
  for (let at = 0; at < stream.length; at += 7_001) splitter.push(stream.subarray(at, at + 7_001))
  expect(seen).toBe(50 * 60_005)
})
