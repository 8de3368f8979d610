/** File systems of a test's own: one that lets files share blocks, on a loop device, and one that does not. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

const MKFS = "/usr/sbin/mkfs.xfs"

const run = (tool: string, ...argv: ReadonlyArray<string>) => void execFileSync(tool, argv, { stdio: "pipe" })

/** What an operator does who wants an xfs. */
export const prepare = (): void => {
  if (existsSync(MKFS)) return
  run("apt-get", "update", "-q")
  run("apt-get", "install", "-y", "-q", "--no-install-recommends", "xfsprogs")
}

interface Mounted {
  readonly at: string
  /** Idempotent. */
  readonly release: () => void
}

/** Also when the process that runs the tests is told to end. */
const living = new Set<() => void>()
process.once("exit", () => {
  for (const release of living) release()
})

const mounted = (mount: (place: string, at: string) => void): Mounted => {
  const place = mkdtempSync(join(tmpdir(), "unsandbox-mounted-"))
  const at = join(place, "at")
  mkdirSync(at)
  let mounts = false
  const release = () => {
    // Lazily: a process that was killed just now may have something open there for a moment yet.
    if (mounts) run("umount", "--lazy", at)
    mounts = false
    rmSync(place, { recursive: true, force: true })
    living.delete(release)
  }
  living.add(release)
  try {
    mount(place, at)
    mounts = true
  } catch (error) {
    release()
    throw error
  }
  return { at, release }
}

/** Released by the caller, on every path. The size is what it may grow to. */
export const xfs = (size: `${number}M`): Mounted =>
  mounted((place, at) => {
    const image = join(place, "image")
    writeFileSync(image, "")
    run("truncate", "-s", size, image)
    run(MKFS, "-q", "-m", "reflink=1", image)
    run("mount", "-o", "loop", image, at)
  })

export const tmpfs = (size: `${number}M`): Mounted =>
  mounted((_, at) => run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", at))

/** Until the scope closes. */
export const scoped = (make: typeof xfs, size: `${number}M`) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => make(size)),
      ({ release }) => Effect.sync(release)
    ),
    ({ at }) => at
  )
