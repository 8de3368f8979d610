/** `checkpoints.jsonl`: the checkpoints once more, outside the database, so that what is cut off there is missed here. */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync } from "node:fs"
import { open as openFile } from "node:fs/promises"
import { join } from "node:path"
import * as Checkpoint from "./Checkpoint.js"

export const fileIn = (data: string): string => join(data, "checkpoints.jsonl")

const chunkSize = 64 * 1024

/** Longer than any line, so that the end of the file holds a whole one. */
const tailSize = 4_096

/** A crash or a full disk may leave half a line; it was never acknowledged, and must not spoil the next. */
export const repair = (data: string): void => {
  const file = openSync(fileIn(data), "a+", 0o600)
  try {
    const { size } = fstatSync(file)
    const tail = Buffer.alloc(Math.min(size, tailSize))
    readSync(file, tail, 0, tail.length, size - tail.length)
    const whole = size - tail.length + tail.lastIndexOf(0x0a) + 1
    if (whole === size) return
    ftruncateSync(file, whole)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Resolves once the line is on disk. A full disk may leave half of it, which the next line must not follow. */
export const append = async (data: string, checkpoint: Checkpoint.Checkpoint): Promise<void> => {
  repair(data)
  const file = await openFile(fileIn(data), "a", 0o600)
  try {
    await file.writeFile(Checkpoint.toLine(checkpoint))
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A whole line of the file. */
export type Line = Checkpoint.Checkpoint | "garbled"

const parse = (line: string): Line => Checkpoint.fromLine(line) ?? "garbled"

/** Gives one whole line after the other, oldest first; undefined while there is no further one. A chunk in memory at a time. */
export const reader = (file: number): (() => Line | undefined) => {
  const chunk = Buffer.alloc(chunkSize)
  let lines: Array<string> = []
  let rest = ""
  let position = 0
  return () => {
    while (lines.length === 0) {
      const size = readSync(file, chunk, 0, chunkSize, position)
      if (size === 0) return undefined
      position += size
      lines = (rest + chunk.toString("latin1", 0, size)).split("\n")
      rest = lines.pop() ?? ""
      if (rest.length > tailSize) return "garbled"
      lines.reverse()
    }
    return parse(lines.pop() ?? "")
  }
}

/** Undefined when there is no whole line. */
export const last = (file: number): Line | undefined => {
  const { size } = fstatSync(file)
  const tail = Buffer.alloc(Math.min(size, tailSize))
  readSync(file, tail, 0, tail.length, size - tail.length)
  const line = tail.toString("latin1").split("\n").slice(0, -1).at(-1)
  return line === undefined ? undefined : parse(line)
}
