/** Random trees of files as tenants make them, and what can be seen of a tree from outside. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import * as fc from "fast-check"

/** A name is bytes: it need not be text. */
export type Name = ReadonlyArray<number>

export type Node =
  | { readonly kind: "file"; readonly name: Name; readonly mode: number; readonly content: Uint8Array }
  | { readonly kind: "sparse"; readonly name: Name; readonly size: number; readonly at: number }
  | { readonly kind: "symlink"; readonly name: Name; readonly target: string }
  | { readonly kind: "hardlink"; readonly name: Name }
  | { readonly kind: "fifo"; readonly name: Name; readonly mode: number }
  | { readonly kind: "directory"; readonly name: Name; readonly mode: number; readonly children: ReadonlyArray<Node> }

const byte = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0x61, max: 0x66 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }).filter((one) => one !== 0x2f) }
)
const name: fc.Arbitrary<Name> = fc
  .oneof(
    { weight: 6, arbitrary: fc.array(byte, { minLength: 1, maxLength: 12 }) },
    {
      weight: 1,
      arbitrary: fc.array(byte, { minLength: 120, maxLength: 240 })
    }
  )
  .filter((bytes) => !bytes.every((one) => one === 0x2e))
const mode = fc.oneof(fc.constantFrom(0o644, 0o600, 0o755, 0o000, 0o111, 0o1777), fc.integer({ min: 0, max: 0o1777 }))
const target = fc.constantFrom(
  "a",
  "../..",
  "/etc/passwd",
  "/home/sandbox/a",
  "home/sandbox",
  "a b\nc",
  "x".repeat(300)
)

export const node: fc.Arbitrary<Node> = fc.letrec<{ readonly node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    fc.record({
      kind: fc.constant("file" as const),
      name,
      mode,
      content: fc.uint8Array({ maxLength: 2_000 })
    }),
    fc.record({
      kind: fc.constant("sparse" as const),
      name,
      size: fc.integer({ min: 100_000, max: 20_000_000 }),
      at: fc.integer({ min: 0, max: 20_000_000 })
    }),
    fc.record({ kind: fc.constant("symlink" as const), name, target }),
    fc.record({ kind: fc.constant("hardlink" as const), name }),
    fc.record({ kind: fc.constant("fifo" as const), name, mode }),
    fc.record({
      kind: fc.constant("directory" as const),
      name,
      mode,
      children: fc.array(tie("node"), { maxLength: 5 })
    })
  )
})).node

const pathOf = (directory: Buffer, of: Name): Buffer => Buffer.concat([directory, Buffer.from("/"), Buffer.from(of)])

const sparse = (path: Buffer, size: number, at: number): void => {
  const file = fs.openSync(path, "w", 0o640)
  fs.ftruncateSync(file, size)
  fs.writeSync(file, "x", Math.min(at, size - 1))
  fs.closeSync(file)
}

/** Makes it below the directory; a name that is taken is left to who has it. */
export const grow = (directory: Buffer, nodes: ReadonlyArray<Node>): void => {
  for (const one of nodes) {
    const path = pathOf(directory, one.name)
    if (fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue
    switch (one.kind) {
      case "file":
        fs.writeFileSync(path, one.content)
        fs.chmodSync(path, one.mode)
        break
      case "sparse":
        sparse(path, one.size, one.at)
        break
      case "symlink":
        fs.symlinkSync(one.target, path)
        break
      case "hardlink": {
        const other = fs.readdirSync(directory, { encoding: "buffer" }).find((found) => {
          const stat = fs.lstatSync(Buffer.concat([directory, Buffer.from("/"), found]))
          return stat.isFile()
        })
        if (other !== undefined) fs.linkSync(Buffer.concat([directory, Buffer.from("/"), other]), path)
        break
      }
      case "fifo":
        execFileSync("mkfifo", ["--", "/tmp/unsandbox-test-fifo"])
        fs.renameSync("/tmp/unsandbox-test-fifo", path)
        fs.chmodSync(path, one.mode)
        break
      case "directory":
        fs.mkdirSync(path)
        grow(path, one.children)
        fs.chmodSync(path, one.mode)
        break
    }
  }
}

const script = fileURLToPath(new URL("census.py", import.meta.url))
const python = (...argv: ReadonlyArray<string>) =>
  execFileSync("python3", [script, ...argv], { encoding: "utf8", maxBuffer: 64 * 2 ** 20 })

/** Sets attributes and times here and there. */
export const mark = (directory: string): void => void python("mark", directory)

/** All that can be seen of a tree but its owners. */
export const census = (directory: string): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  JSON.parse(python("census", directory))

/** Something whose path, from there, is so long. */
export const dig = (
  directory: string,
  length: number,
  kind: "file" | "directory" | "sparse" | "linked" | "attributed"
): void => void python("dig", directory, String(length), kind)

/** The like of `census` for trees that are deeper than a path can be. */
export const deep = (directory: string): ReadonlyArray<unknown> => JSON.parse(python("deep", directory))
