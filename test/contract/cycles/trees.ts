/** Random trees as a tenant makes them inside, where it is nobody but itself. */
import * as fc from "fast-check"

interface Named {
  /** Hex: a name is bytes, and need not be text. */
  readonly name: string
  readonly mode: number
  /** Hex, of one extended attribute. */
  readonly attribute: string | null
  /** Nanoseconds since 1970. */
  readonly mtime: string | null
}

export type Node = Named &
  (
    | { readonly kind: "file"; readonly size: number; readonly seed: number }
    | { readonly kind: "sparse"; readonly size: number; readonly at: number }
    | { readonly kind: "symlink"; readonly target: string }
    | { readonly kind: "hardlink"; readonly of: number }
    | { readonly kind: "fifo" }
    | { readonly kind: "directory"; readonly children: ReadonlyArray<Node> }
  )

const hex = (bytes: ReadonlyArray<number> | Uint8Array) => Buffer.from(bytes).toString("hex")

const byte = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0x61, max: 0x66 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }).filter((one) => one !== 0x2f) }
)
const odd = ["a b", " ", "a\nb", "\n", "-rf", "ü–漢字", "*", "\\", ".wh.a", "x".repeat(255), "ü".repeat(127)]
const name = fc.oneof(
  { weight: 3, arbitrary: fc.array(byte, { minLength: 1, maxLength: 12 }).map(hex) },
  { weight: 2, arbitrary: fc.constantFrom(...odd).map((text) => hex(Buffer.from(text))) },
  { weight: 1, arbitrary: fc.array(byte, { minLength: 120, maxLength: 255 }).map(hex) }
)
const named = {
  name: name.filter((bytes) => !/^(2e)+$/.test(bytes)),
  mode: fc.oneof(fc.constantFrom(0o644, 0o755, 0o000, 0o111, 0o1777), fc.integer({ min: 0, max: 0o1777 })),
  attribute: fc.option(fc.uint8Array({ maxLength: 40 }).map(hex)),
  mtime: fc.option(
    fc.oneof(
      fc.constantFrom("0", "1", "-1500000000", "1234567890123456789", "5000000000000000001"),
      fc.bigInt({ min: 0n, max: 4_000_000_000n * 10n ** 9n }).map(String)
    )
  )
}
const targets = ["a", "../..", "/etc/passwd", "/nowhere", "a b\nc", ".", "ü", "x".repeat(300)]

/** Mostly what a program writes; now and then nothing, or more than any buffer on the way. */
const size = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1_000_000, max: 3_000_000 }) }
)

const one = fc.letrec<{ readonly node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    fc.record({ kind: fc.constant("file" as const), ...named, size, seed: fc.nat() }),
    fc.record({
      kind: fc.constant("sparse" as const),
      ...named,
      size: fc.integer({ min: 100_000, max: 20_000_000 }),
      at: fc.integer({ min: 0, max: 20_000_000 })
    }),
    fc.record({ kind: fc.constant("symlink" as const), ...named, target: fc.constantFrom(...targets) }),
    fc.record({ kind: fc.constant("hardlink" as const), ...named, of: fc.nat() }),
    fc.record({ kind: fc.constant("fifo" as const), ...named }),
    fc.record({ kind: fc.constant("directory" as const), ...named, children: fc.array(tie("node"), { maxLength: 5 }) })
  )
})).node

/** One tree each of the home, of /srv and of /tmp. */
export const trees: fc.Arbitrary<ReadonlyArray<ReadonlyArray<Node>>> = fc.tuple(
  fc.array(one, { minLength: 4, maxLength: 9 }),
  fc.array(one, { minLength: 1, maxLength: 4 }),
  fc.array(one, { maxLength: 3 })
)
