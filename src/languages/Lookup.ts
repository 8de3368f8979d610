/** Where programs really are: the paths that a container sees, never a shim in somebody's home. */
import { accessSync, constants, lstatSync, readlinkSync, realpathSync, statSync } from "node:fs"
import { basename, dirname, resolve } from "node:path"

export interface Image {
  /** Searched in order for plain names. */
  readonly path: ReadonlyArray<string>
  /** Directories that containers see; a program outside of them does not exist. */
  readonly trees: ReadonlyArray<string>
  /** What `npm:` names are relative to. */
  readonly npm: string
}

export const npmPrefix = "/opt/unsandbox/toolchains"

export const hostImage: Image = {
  path: ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/games", "/usr/games", "/usr/sbin"],
  trees: ["/usr", "/opt", "/bin", "/sbin", "/lib", "/lib64"],
  npm: `${npmPrefix}/node_modules`
}

const inside = (trees: ReadonlyArray<string>, path: string) =>
  trees.some((tree) => path.startsWith(tree.endsWith("/") ? tree : `${tree}/`))

const real = (path: string): string | undefined => {
  try {
    return realpathSync.native(path)
  } catch {
    return undefined
  }
}

const runnable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

const maxHops = 16

// Following a link past the name we know would change argv[0], which is what clang++, ld and busybox go by.
const sameProgram = (path: string, wanted: string): string => {
  let at = path
  for (let hop = 0; hop < maxHops && lstatSync(at).isSymbolicLink(); hop++) {
    const next = resolve(real(dirname(at)) ?? dirname(at), readlinkSync(at))
    const renamed = !basename(next).includes(wanted)
    // An alternative is only a pointer: the name it points to is the program's own.
    if (renamed && !at.startsWith("/etc/alternatives/")) return at
    at = next
  }
  return at
}

const program = (image: Image, path: string): string | undefined => {
  const end = real(path)
  if (end === undefined || !inside(image.trees, end) || !runnable(end)) return undefined
  return sameProgram(path, basename(path))
}

const candidate = (image: Image, name: string): string | undefined => {
  if (name.startsWith("npm:")) return program(image, `${image.npm}/${name.slice(4)}`)
  if (name.startsWith("/")) {
    const end = real(name)
    return end !== undefined && inside(image.trees, end) ? name : undefined
  }
  for (const directory of image.path) {
    const found = program(image, `${directory}/${name}`)
    if (found !== undefined) return found
  }
  return undefined
}

/** The first of the candidates that the image has. */
export const lookup = (image: Image, candidates: ReadonlyArray<string>): string | undefined => {
  for (const name of candidates) {
    const found = candidate(image, name)
    if (found !== undefined) return found
  }
  return undefined
}
