/** The bytes of a layer on their way between tar and its file: counted, hashed and bounded as they go by. */
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { type FileHandle, writeFile } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { createGunzip, createGzip } from "node:zlib"
import { Digest } from "../../events/Ids.js"
import { type Layer, LayerRefused } from "./Layers.js"
import { type Bounds, TarMeter } from "./TarMeter.js"
import * as Tool from "./Tool.js"

/** How often the disk is asked whether there is still room. */
const STRIDE = 64 * 1024 * 1024
/** Level 1: three times as fast as the usual 6 for a tenth more bytes. */
const LEVEL = 1

const cutShort = { why: "unfit", message: "Its content could not be read to the end. Try again." } as const

export interface Room {
  readonly bounds: Bounds
  /** Refuses when the disk is at its reserve. */
  readonly left: () => Promise<void>
}

type Chunks = AsyncIterable<Buffer>

/** Passes the bytes on; throws what they are refused for. */
const metered = (room: Room) => {
  const hash = createHash("sha256")
  const meter = new TarMeter(room.bounds)
  let asked = 0
  const through = async function* (source: Chunks) {
    for await (const chunk of source) {
      const objection = meter.feed(chunk)
      if (objection !== undefined) throw new LayerRefused(objection)
      hash.update(chunk)
      if (meter.bytes - asked >= STRIDE) {
        asked = meter.bytes
        await room.left()
      }
      yield chunk
    }
  }
  return { meter, through, digest: () => Digest.make(`sha256:${hash.digest("hex")}`) }
}

/** Resolves when tar has ended and everything it wrote is in the file. */
export const write = async (tar: Tool.Running, file: FileHandle, room: Room, signal: AbortSignal): Promise<Layer> => {
  await room.left()
  const { digest, meter, through } = metered(room)
  const sink = (source: Chunks) => writeFile(file, source)
  await pipeline(tar.stdout, through, createGzip({ level: LEVEL }), sink, { signal })
  if (!meter.whole) throw new LayerRefused(cutShort)
  const { size } = await file.stat()
  return { digest: digest(), bytes: meter.bytes, stored: size, files: meter.files }
}

/** Resolves when tar has been given all of it, with what it really was. */
export const read = async (path: string, tar: Tool.Running, room: Room, signal: AbortSignal): Promise<Digest> => {
  await room.left()
  const { digest, through } = metered(room)
  await pipeline(createReadStream(path), createGunzip(), through, Tool.feed(tar.stdin), { signal })
  return digest()
}

/** Of the file as it lies there. */
export const digestOfFile = async (path: string, signal: AbortSignal) => {
  const hash = createHash("sha256")
  let bytes = 0
  await pipeline(
    createReadStream(path),
    async (source: Chunks) => {
      for await (const chunk of source) {
        hash.update(chunk)
        bytes += chunk.length
      }
    },
    { signal }
  )
  return { path, bytes, digest: Digest.make(`sha256:${hash.digest("hex")}`) }
}
