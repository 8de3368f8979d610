/** The files of a command, as frames that precede its exec. */
import { Effect } from "effect"
import type { Command, File, SubstrateError } from "../Substrate.js"
import type { Channel } from "./Channel.js"
import type { Put } from "./Request.js"

const PIECE = 512 * 1024
/** Files that together stay below it go out with the exec in one write; more waits for room. */
const LIGHT = 256 * 1024

export const isLight = (command: Command): boolean =>
  command.files.reduce((sum, file) => sum + file.content.length, 0) <= LIGHT

function* puts({ content, mode, path }: File): Generator<Put> {
  let at = 0
  do {
    const bytes = content.subarray(at, at + PIECE)
    yield { _tag: "Put", path, mode, append: at > 0, bytes }
    at += PIECE
  } while (at < content.length)
}

/** All at once. False: the connection refused. */
export const putNow = (channel: Channel, files: ReadonlyArray<File>): boolean => {
  for (const file of files) {
    for (const put of puts(file)) if (!channel.send(put)) return false
  }
  return true
}

/** Piece by piece, as the connection has room. */
export const putSlowly = (channel: Channel, files: ReadonlyArray<File>): Effect.Effect<void, SubstrateError> =>
  Effect.forEach(
    files,
    (file) =>
      Effect.forEach(puts(file), (put) => channel.end ?? channel.connection.deliver(channel.number, put), {
        discard: true
      }),
    { discard: true }
  )
