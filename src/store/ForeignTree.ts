/** What a foreign archive may put into a volume: each entry is judged by those before it, and told anew in our words. */
import type { Header } from "tar-stream"
import { ArchiveRefused } from "./Archives.js"

type Pax = Readonly<Record<string, string>>

/** An entry as it came, or as it is to be put in place. */
export type Entry = Partial<Omit<Header, "pax">> & Pick<Header, "name"> & { readonly pax?: unknown }

const refuse = (code: string, message: string) => new ArchiveRefused({ code: `archive_${code}`, message })

/** As messages quote names: short, and nothing in them that moves a cursor. */
const shown = (name: string): string => JSON.stringify(name.slice(0, 80).replace(/[^\x20-\x7e]/g, "?"))

const LONGEST = 4_096
const SPARSE_LARGEST = 2 ** 40
const roots = ["home/sandbox", "srv", "tmp"]

/** A name as a list of parts; whatever could mean another place than it says is refused. */
export const partsOf = (name: string): ReadonlyArray<string> => {
  if (name.startsWith("/")) throw refuse("absolute", `The archive has an absolute name: ${shown(name)}.`)
  if (name.includes("\0") || name.includes("\ufffd") || name.length > LONGEST)
    throw refuse("name", `The archive has a name that cannot be kept: ${shown(name)}. Names are UTF-8.`)
  const parts = name.split("/").filter((part) => part !== "" && part !== ".")
  if (parts.includes("..")) throw refuse("traversal", `The archive has a name that climbs: ${shown(name)}.`)
  return parts
}

const within = (path: string): boolean => roots.some((root) => path === root || path.startsWith(`${root}/`))

const kinds = {
  file: "file",
  "contiguous-file": "file",
  directory: "directory",
  symlink: "symlink",
  link: "link",
  fifo: "fifo"
} as const
type Kind = (typeof kinds)[keyof typeof kinds]

const isKind = (type: string): type is keyof typeof kinds => Object.hasOwn(kinds, type)

const kindOf = ({ type }: Entry, name: string): Kind => {
  const said = type ?? "file"
  if (!isKind(said)) throw refuse("type", `${shown(name)} is a ${said}: only files, directories and links are taken.`)
  return kinds[said]
}

const paxOfEntry = ({ pax }: Entry): Pax =>
  typeof pax === "object" && pax !== null
    ? Object.fromEntries(Object.entries(pax).map(([key, value]) => [key, String(value)]))
    : {}

/** Attributes and times that a tenant could have set itself; all else must not be there. */
const paxOf = (pax: Pax, name: string): Record<string, string> => {
  const kept: Record<string, string> = {}
  for (const [key, value] of Object.entries(pax)) {
    if (key === "mtime" && /^-?\d{1,15}(\.\d{1,9})?$/.test(value)) kept.mtime = value
    if (!key.startsWith("SCHILY.xattr.")) continue
    if (!key.startsWith("SCHILY.xattr.user.") || value.includes("\ufffd"))
      throw refuse("attribute", `${shown(name)} has an attribute that is not taken: ${shown(key)}.`)
    kept[key] = value
  }
  return kept
}

const sparseOf = (pax: Pax, name: string): Record<string, string> => {
  const size = Number(pax["GNU.sparse.realsize"])
  if (pax["GNU.sparse.major"] !== "1" || pax["GNU.sparse.minor"] !== "0" || !(size >= 0 && size <= SPARSE_LARGEST))
    throw refuse("sparse", `${shown(name)} is sparse in a way that is not understood.`)
  return {
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": name,
    "GNU.sparse.realsize": String(size)
  }
}

export class ForeignTree {
  private readonly seen = new Map<string, Kind>()
  private layer = new Set<string>()
  skipped = 0

  constructor(private readonly partial: boolean) {}

  /** Names may come again in another layer, and replace what was there; within one they may not. */
  nextLayer(): void {
    this.layer = new Set()
  }

  /** What is to be put in place; undefined: nothing. Throws what it is refused for. */
  take(header: Entry): Entry | undefined {
    const pax = paxOfEntry(header)
    const name = pax["GNU.sparse.name"] ?? header.name
    const parts = partsOf(name)
    const path = parts.join("/")
    const kind = kindOf(header, name)
    if (path === "" || (path === "home" && kind === "directory")) return undefined
    if (!within(path)) return this.leave(name)
    if (parts.at(-1)?.startsWith(".wh.") === true)
      throw refuse("whiteout", `${shown(name)} takes away what another layer has. Squash the image into one layer.`)
    const mode = header.mode ?? 0o644
    if ((mode & 0o6000) !== 0) throw refuse("setuid", `${shown(name)} would change the user that runs it.`)
    this.fit(path, kind, name)
    // The writer takes a mode of 0 for none; it keeps the lower twelve bits only.
    return { ...this.told(header, path, kind), mode: mode | 0o100000, pax: this.attributes(pax, path, kind) }
  }

  private attributes(pax: Pax, path: string, kind: Kind): Record<string, string> {
    const sparse = kind === "file" && pax["GNU.sparse.major"] !== undefined ? sparseOf(pax, path) : {}
    if (sparse["GNU.sparse.name"] === undefined && Object.keys(pax).some((key) => key.startsWith("GNU.sparse")))
      throw refuse("sparse", `${shown(path)} is sparse in a way that is not understood.`)
    return { ...paxOf(pax, path), ...sparse }
  }

  private told({ linkname, mtime, size }: Entry, path: string, kind: Kind): Entry {
    const plain = { name: path, type: kind, uid: 0, gid: 0, mtime: mtime ?? new Date(0) }
    if (kind === "link") return { ...plain, size: 0, linkname: this.target(linkname ?? "", path) }
    if (kind !== "symlink") return { ...plain, size: kind === "file" ? (size ?? 0) : 0 }
    if (!linkname || linkname.includes("\ufffd") || linkname.length > LONGEST)
      throw refuse("name", `${shown(path)} points to a name that cannot be kept.`)
    return { ...plain, size: 0, linkname }
  }

  /** Only to a file that is in the archive, before it. */
  private target(linkname: string, path: string): string {
    const target = partsOf(linkname).join("/")
    if (this.seen.get(target) !== "file")
      throw refuse("hardlink", `${shown(path)} is a hard link to ${shown(linkname)}, which is no file before it.`)
    return target
  }

  private fit(path: string, kind: Kind, name: string): void {
    if (this.layer.has(path)) throw refuse("duplicate", `The archive has ${shown(name)} twice.`)
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const above = this.seen.get(path.slice(0, end))
      if (above !== undefined && above !== "directory")
        throw refuse("through_link", `${shown(name)} would go through something that is no directory.`)
    }
    const before = this.seen.get(path)
    if (before !== undefined && (before === "directory") !== (kind === "directory"))
      throw refuse("conflict", `${shown(name)} is a directory in one layer and none in another.`)
    this.layer.add(path)
    this.seen.set(path, kind === "link" ? "file" : kind)
  }

  private leave(name: string): undefined {
    this.skipped += 1
    if (this.partial) return undefined
    throw refuse(
      "outside",
      `${shown(name)} is outside of home/sandbox, srv and tmp, where content can be. Add ?partial=1 to leave such files out.`
    )
  }
}
