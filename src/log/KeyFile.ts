/** A file in the data directory that holds a secret: made once, durable, for its owner's eyes only, and made unreadable when it goes. */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { dirname } from "node:path"
import { DataRefused, syncDirectory } from "./Database.js"

const opened = <A>(path: string, flags: number, use: (file: number) => A): A => {
  // A pipe or a link that somebody put in its place must neither block nor lead elsewhere.
  const file = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600)
  try {
    return use(file)
  } finally {
    closeSync(file)
  }
}

/** Durable when it returns; replaces what is there. */
export const create = (path: string, content: Buffer): void => {
  const unfinished = `${path}.new`
  opened(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, (file) => {
    writeFileSync(file, content)
    fsyncSync(file)
  })
  renameSync(unfinished, path)
  syncDirectory(dirname(path))
}

const checked = (path: string, file: number): Buffer => {
  const found = fstatSync(file)
  const owner = process.geteuid?.() ?? found.uid
  if (!found.isFile()) throw new DataRefused({ path, reason: "it is not a regular file" })
  if (found.uid !== owner)
    throw new DataRefused({ path, reason: `it belongs to user ${found.uid}; run \`chown ${owner}\` on it` })
  if ((found.mode & 0o077) !== 0)
    throw new DataRefused({ path, reason: "others can read it; run `chmod 600` on it, and replace it if they did" })
  return readFileSync(file)
}

/** Undefined when there is no such file; throws DataRefused when anybody else could have read or replaced it. */
export const load = (path: string): Buffer | undefined => {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (!found.isFile()) throw new DataRefused({ path, reason: "it is not a regular file" })
  return opened(path, constants.O_RDONLY, (file) => checked(path, file))
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

/**
 * Takes the name away first: a crash leaves either the whole secret under its name, or none. What is overwritten after
 * that is the last that the disk keeps of it, as far as the file system writes in place.
 */
const destroyAfter = (path: string, takeName: () => void): void =>
  opened(path, constants.O_WRONLY, (file) => {
    const { size } = fstatSync(file)
    takeName()
    syncDirectory(dirname(path))
    writeSync(file, Buffer.alloc(size), 0, size, 0)
    fsyncSync(file)
    ftruncateSync(file, 0)
  })

export const destroy = (path: string): void => destroyAfter(path, () => unlinkSync(path))

/** `from` takes the place of `to`, whose content is destroyed when it is there. */
export const replace = (from: string, to: string): void => {
  const take = () => renameSync(from, to)
  if (lstatSync(to, { throwIfNoEntry: false }) !== undefined) destroyAfter(to, take)
  else {
    take()
    syncDirectory(dirname(to))
  }
}
