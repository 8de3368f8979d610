/** A read-only root for peers that need a directory: the host's own programs, as bubblewrap gets them. */
import { lstat, mkdir, mkdtemp, readlink, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

/** What the host keeps beside /usr, or as links into it. */
const TOP = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]

export interface Root {
  /** Holds nothing but `rootfs`. */
  readonly directory: string
  readonly rootfs: string
  /** Host directories to bind, read-only, at the same place. */
  readonly binds: ReadonlyArray<string>
}

const place = async (rootfs: string, name: string): Promise<string | undefined> => {
  const found = await lstat(`/${name}`).catch(() => undefined)
  if (found === undefined) return undefined
  if (found.isSymbolicLink()) {
    await symlink(await readlink(`/${name}`), join(rootfs, name))
    return undefined
  }
  await mkdir(join(rootfs, name))
  return `/${name}`
}

const make = async (): Promise<Root> => {
  const directory = await mkdtemp(join(tmpdir(), "unsandbox-bench-"))
  const rootfs = join(directory, "rootfs")
  for (const name of ["usr", "proc", "sys", "dev", "tmp", "etc", "run"])
    await mkdir(join(rootfs, name), { recursive: true })
  const own = await Promise.all(TOP.map((name) => place(rootfs, name)))
  return { directory, rootfs, binds: ["/usr", ...own.filter((path) => path !== undefined)] }
}

/** Goes with the scope. */
export const root = Effect.acquireRelease(Effect.promise(make), ({ directory }) =>
  Effect.promise(() => rm(directory, { recursive: true, force: true }))
)
