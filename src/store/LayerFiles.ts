/** Where layers lie: a file each, named by digest, whole or not there at all. */
import { randomBytes } from "node:crypto"
import { mkdirSync, readdirSync, rmSync } from "node:fs"
import { type FileHandle, mkdir, open, readdir, rename, rm, statfs } from "node:fs/promises"
import { join } from "node:path"
import { Schema } from "effect"
import { Digest } from "../../events/Ids.js"

const SUFFIX = ".tar.gz"
const isDigest = Schema.is(Digest)

const hexOf = (digest: Digest): string => digest.slice("sha256:".length)

const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, "r")
  await directory.sync().finally(() => directory.close())
}

export interface Unfinished {
  readonly path: string
  readonly file: FileHandle
}

/** What a crash left half-written goes now: this process holds the directory's lock. */
export const make = (data: string) => {
  const root = join(data, "layers")
  const unfinished = join(root, "unfinished")
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true, mode: 0o700 })

  const folderOf = (digest: Digest): string => join(root, hexOf(digest).slice(0, 2))
  const pathOf = (digest: Digest): string => join(folderOf(digest), `${hexOf(digest).slice(2)}${SUFFIX}`)

  return {
    pathOf,

    begin: async (): Promise<Unfinished> => {
      const path = join(unfinished, randomBytes(16).toString("hex"))
      return { path, file: await open(path, "wx", 0o600) }
    },

    /** It is not to be. */
    abandon: async ({ file, path }: Unfinished): Promise<void> => {
      await file.close().catch(() => undefined)
      await rm(path, { force: true })
    },

    /** Resolves once the file and its name are on disk. One that was there under the name is the same, or damaged. */
    finish: async ({ file, path }: Unfinished, digest: Digest): Promise<void> => {
      await file.sync()
      await file.close()
      if ((await mkdir(folderOf(digest), { recursive: true, mode: 0o700 })) !== undefined) await syncDirectory(root)
      await rename(path, pathOf(digest))
      await syncDirectory(folderOf(digest))
    },

    remove: (digest: Digest): Promise<void> => rm(pathOf(digest), { force: true }),

    all: (): ReadonlyArray<Digest> =>
      readdirSync(root)
        .filter((folder) => /^[0-9a-f]{2}$/.test(folder))
        .flatMap((folder) =>
          readdirSync(join(root, folder)).map((name) => `sha256:${folder}${name.slice(0, -SUFFIX.length)}`)
        )
        .filter(isDigest),

    /** Of the parts of a volume those that are there. */
    present: async (directory: string, parts: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
      const found = await readdir(directory)
      return parts.filter((part) => found.includes(part))
    },

    /** Bytes that may still be written there. */
    free: async (): Promise<number> => {
      const { bavail, bsize } = await statfs(root)
      return bavail * bsize
    }
  }
}
