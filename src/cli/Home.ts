/** The project's root: where `bin`, `build` and `package.json` are, from the sources and from what was compiled of them. */
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const above = (directory: string): string => {
  if (existsSync(join(directory, "package.json"))) return directory
  const parent = dirname(directory)
  if (parent === directory) throw new Error("unsandbox is installed without its package.json")
  return above(parent)
}

export const home: string = above(dirname(fileURLToPath(import.meta.url)))
