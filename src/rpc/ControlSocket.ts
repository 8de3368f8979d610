/** Where a server's control socket is: in its data directory, or, when that path is too long for a UNIX socket, in a private one below /tmp. */
import { createHash } from "node:crypto"
import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { Data, Effect } from "effect"

/** sun_path holds 108 bytes with its end. */
const LONGEST = 107

export class SocketUnusable extends Data.TaggedError("SocketUnusable")<{ readonly message: string }> {}

/** The same for every process that names the same directory. */
export const pathOf = (data: string): string => {
  const near = join(data, "run", "control.sock")
  if (Buffer.byteLength(near) <= LONGEST) return near
  const name = createHash("sha256").update(data).digest("hex").slice(0, 16)
  return join("/tmp", `unsandbox-${process.getuid?.() ?? 0}-${name}`, "control.sock")
}

/** The egress proxy's socket stands beside it; its name is no longer, so its path fits as well. */
export const egressPathOf = (data: string): string => join(dirname(pathOf(data)), "egress.sock")

/**
 * Makes the socket's directory private and clears what a killed server left. Below /tmp somebody else could have made
 * that directory first, so it must be a real one and ours.
 */
export const prepare = (path: string): Effect.Effect<void, SocketUnusable> =>
  Effect.try({
    try: () => {
      const directory = dirname(path)
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      const found = lstatSync(directory)
      if (!found.isDirectory() || found.uid !== process.getuid?.())
        throw new Error(`${directory} belongs to somebody else`)
      chmodSync(directory, 0o700)
      rmSync(path, { force: true })
    },
    catch: (error) => new SocketUnusable({ message: `control socket ${path}: ${String(error)}` })
  })
