/** Blobs too large for a row: one file each, named by digest, whole or not there at all. */
import { randomBytes } from "node:crypto"
import { mkdirSync, readdirSync, rmSync } from "node:fs"
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Digest } from "../../events/Ids.js"

const hexOf = (digest: Digest): string => digest.slice("sha256:".length)

const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, "r")
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

const writeWhole = async (path: string, bytes: Uint8Array): Promise<void> => {
  const file = await open(path, "wx", 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

const missing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT"

/** What a crash left half-written goes now: this process holds the directory's lock. */
export const make = (data: string) => {
  const root = join(data, "blobs")
  const unfinished = join(root, "unfinished")
  mkdirSync(unfinished, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(unfinished)) rmSync(join(unfinished, name))

  const folderOf = (digest: Digest): string => join(root, hexOf(digest).slice(0, 2))
  const pathOf = (digest: Digest): string => join(folderOf(digest), hexOf(digest).slice(2))

  return {
    /** Resolves once the file and its name are on disk. */
    write: async (digest: Digest, bytes: Uint8Array): Promise<void> => {
      const temporary = join(unfinished, randomBytes(16).toString("hex"))
      try {
        await writeWhole(temporary, bytes)
        if ((await mkdir(folderOf(digest), { recursive: true, mode: 0o700 })) !== undefined) await syncDirectory(root)
        await rename(temporary, pathOf(digest))
        await syncDirectory(folderOf(digest))
      } finally {
        await rm(temporary, { force: true })
      }
    },

    read: (digest: Digest): Promise<Uint8Array> => readFile(pathOf(digest)),

    remove: (digest: Digest): Promise<void> => rm(pathOf(digest), { force: true }),

    /** Of the 256 folders the `nth`: digests of files older than `before` (ms), which a crash may have left without a row. */
    old: async (nth: number, before: number): Promise<ReadonlyArray<string>> => {
      const prefix = (nth & 0xff).toString(16).padStart(2, "0")
      const folder = join(root, prefix)
      const names = await readdir(folder).catch((error) => (missing(error) ? [] : Promise.reject(error)))
      const found: Array<string> = []
      for (const name of names)
        if ((await stat(join(folder, name))).mtimeMs < before) found.push(`sha256:${prefix}${name}`)
      return found
    }
  }
}
