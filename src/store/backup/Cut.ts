/** A stream in pieces of one size, and a last one that is shorter: how chunks and members know their end without a length. */

/** Every piece has exactly `size` bytes but the last, which has fewer, if need be none. */
export const cut = async function* (source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(size)
  let have = 0
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(size - have, chunk.length - at)
      piece.set(chunk.subarray(at, at + taken), have)
      have += taken
      at += taken
      if (have < size) continue
      yield piece
      // Whoever got the old one may still be writing it.
      piece = Buffer.allocUnsafe(size)
      have = 0
    }
  }
  yield piece.subarray(0, have)
}
