/** What of a data directory is its state: everything but what is known not to be, so that what is new is not forgotten. */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { BackupRefused } from "./BackupRefused.js"
import { isName } from "./Manifest.js"

export const DATABASE = "unsandbox.sqlite"
export const CHECKPOINTS = "checkpoints.jsonl"

/** Made anew by every server, or copied in ways of their own. */
const NO_TREES = ["run", "blobs", "layers", "volumes"]

/** Half-written keys, the lock, and SQLite's journals. */
const isPassing = (name: string): boolean => name.endsWith(".new") || /^(unsandbox\.sqlite|lock)(-|$)/.test(name)

interface Inventory {
  /** Keys, configuration and their like, without the checkpoints. */
  readonly files: ReadonlyArray<string>
  /** Logs, recordings and their like. */
  readonly trees: ReadonlyArray<string>
  readonly volumes: ReadonlyArray<string>
}

const namesIn = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory).filter((name) => isName(name))
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return []
    throw error
  }
}

/** Between the two renames of a replacement there is neither the old volume nor the new one (Volumes.ts). */
const swapping = (names: ReadonlyArray<string>): string | undefined => {
  const aside = (how: string) => names.filter((name) => name.includes(how)).map((name) => name.split(".")[0] ?? "")
  const coming = aside(".coming-")
  return aside(".going-").find((id) => coming.includes(id) && !names.includes(id))
}

/** Throws what the disk says. */
export const of = (data: string): Inventory => {
  const volumes = namesIn(join(data, "volumes"))
  const swapped = swapping(volumes)
  if (swapped !== undefined)
    throw new BackupRefused({
      code: "unsteady",
      message: `The volume ${swapped} was being replaced when its server ended: start a server, which puts it right.`
    })
  const found = readdirSync(data, { withFileTypes: true }).filter(({ name }) => isName(name))
  const files = found.filter((one) => one.isFile() && one.name !== CHECKPOINTS && !isPassing(one.name))
  const trees = found.filter((one) => one.isDirectory() && !NO_TREES.includes(one.name))
  return {
    files: files.map(({ name }) => name).sort(),
    trees: trees.map(({ name }) => name).sort(),
    // What has a dot in its name is being made or removed.
    volumes: volumes.filter((name) => !name.includes(".")).sort()
  }
}

/** Whether a file of this name may be restored into a data directory. */
export const isFile = (name: string): boolean => isName(name) && !isPassing(name)
export const isTree = (name: string): boolean => isName(name) && !NO_TREES.includes(name)
export const isVolume = (name: string): boolean => isName(name) && !name.includes(".")
