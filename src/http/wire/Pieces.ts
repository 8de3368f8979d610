/** Bytes as they come in, until they are whole. */

/** A piece costs some hundred bytes beside its own: this many small ones are made one before that adds up. */
const most = 256
const small = 4 * 1024

interface Pieces {
  readonly add: (piece: Buffer) => void
  readonly size: () => number
  readonly whole: () => Buffer
}

export const make = (): Pieces => {
  const pieces: Array<Buffer> = []
  let crumbs: Array<Buffer> = []
  let size = 0

  const sweep = () => {
    if (crumbs.length > 0) pieces.push(Buffer.concat(crumbs))
    crumbs = []
  }

  return {
    add: (piece) => {
      size += piece.length
      if (piece.length >= small) {
        sweep()
        pieces.push(piece)
        return
      }
      crumbs.push(piece)
      if (crumbs.length >= most) sweep()
    },
    size: () => size,
    whole: () => {
      const [only] = crumbs
      if (pieces.length === 0 && crumbs.length === 1 && only !== undefined) return only
      sweep()
      const [first] = pieces
      return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces, size)
    }
  }
}
