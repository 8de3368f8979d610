/** A file in the data directory that holds a secret: made once, durable, for its owner's eyes only. */
import { closeSync, fsyncSync, lstatSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { DataRefused, syncDirectory } from "./Database.js"

const create = (path: string, content: Buffer): void => {
  const unfinished = `${path}.new`
  const file = openSync(unfinished, "w", 0o600)
  try {
    writeFileSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(unfinished, path)
  syncDirectory(dirname(path))
}

/** Undefined when there is no such file; throws DataRefused when anybody else could have read or replaced it. */
export const load = (path: string): Buffer | undefined => {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (!found.isFile()) throw new DataRefused({ path, reason: "it is not a regular file" })
  if ((found.mode & 0o077) !== 0)
    throw new DataRefused({ path, reason: "others can read it; run `chmod 600` on it, and replace it if they did" })
  return readFileSync(path)
}

/** `needed`: something depends on the old content, so a missing file is refused rather than made again. */
export const loadOrCreate = (path: string, make: () => Buffer, needed: boolean): Buffer => {
  const known = load(path)
  if (known !== undefined) return known
  if (needed) throw new DataRefused({ path, reason: "it is missing, and what it protects is there: restore it" })
  const content = make()
  create(path, content)
  return content
}
