/** What a broken dependency may hand over in the place of a fact, and how it is put there. */

const boom = (): never => {
  throw new Error("xyzzy")
}

const trap = new Proxy(
  {},
  { get: boom, has: boom, ownKeys: boom, getOwnPropertyDescriptor: boom, getPrototypeOf: boom }
)

/** By the name that a test shows. */
export const garbage = {
  undefined: undefined,
  null: null,
  true: true,
  false: false,
  zero: 0,
  minus: -1,
  fraction: 0.5,
  "not a number": Number.NaN,
  "1e400": Number.POSITIVE_INFINITY,
  "minus 1e400": Number.NEGATIVE_INFINITY,
  "2 to the 53rd": 2 ** 53,
  bigint: 1n,
  "empty text": "",
  "a MiB of text": "x".repeat(2 ** 20),
  "an object of text": new String("active"),
  symbol: Symbol("garbage"),
  function: () => true,
  "empty object": {},
  "null's object": Object.create(null),
  "nested object": { nested: { deeper: true } },
  "empty array": [],
  "array of undefined": [undefined],
  "array of symbols": [Symbol("garbage")],
  "array of traps": [trap],
  map: new Map([["key", Symbol("value")]]),
  set: new Set([1]),
  promise: Promise.resolve(true),
  "no date": new Date(Number.NaN),
  trap,
  "throwing getter": Object.defineProperty({}, "nested", { get: boom, enumerable: true }),
  "coercion that throws": { toString: boom, valueOf: boom, [Symbol.toPrimitive]: boom }
} as const

export type Garbage = keyof typeof garbage

export type Path = ReadonlyArray<string>

const isPlain = (value: unknown): value is object =>
  typeof value === "object" &&
  value !== null &&
  [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value))

const inside = (value: unknown): ReadonlyArray<readonly [string, unknown]> => {
  if (value instanceof Map) return [...value].map(([key, item]) => [String(key), item])
  return isPlain(value) ? Object.entries(value) : []
}

/** Of every fact, and of every part of one. */
export const paths = (value: unknown, at: Path = []): ReadonlyArray<Path> =>
  inside(value).flatMap(([name, part]) => [[...at, name], ...paths(part, [...at, name])])

const changed = (value: unknown, name: string, change: (part: unknown) => unknown): unknown => {
  if (value instanceof Map) return new Map(value).set(name, change(value.get(name)))
  const copy: object = Array.isArray(value) ? [...value] : { ...Object(value) }
  Reflect.set(copy, name, change(Reflect.get(copy, name)))
  return copy
}

/** A copy in which the part at that path is another. */
export const put = (value: unknown, [name, ...rest]: Path, part: unknown): unknown =>
  name === undefined ? part : changed(value, name, (inner) => put(inner, rest, part))

const without = (value: unknown, name: string): unknown => {
  if (value instanceof Map) return new Map([...value].filter(([key]) => key !== name))
  if (Array.isArray(value)) return value.filter((_, index) => String(index) !== name)
  return Object.fromEntries(inside(value).filter(([key]) => key !== name))
}

/** A copy that lacks the part at that path. */
export const drop = (value: unknown, [name = "", ...rest]: Path): unknown =>
  rest.length === 0 ? without(value, name) : changed(value, name, (inner) => drop(inner, rest))

/** A copy all through, but for what is no record, list or map. */
export const copy = (value: unknown): unknown => {
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, copy(item)]))
  if (Array.isArray(value)) return value.map(copy)
  return isPlain(value) ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copy(part)])) : value
}

/** Overwrites every part of it in place. */
export const spoil = (value: unknown): void => {
  for (const [name, part] of inside(value)) {
    spoil(part)
    if (value instanceof Map) value.set(name, "spoiled")
    else if (typeof value === "object" && value !== null) Reflect.set(value, name, "spoiled")
  }
}

export const CANARY = "unsb-sk-canary-smuggled"

/** With something beside what is asked for, under a name and under a symbol. */
export const smuggled = (value: unknown, path: Path): unknown =>
  path.reduceRight<(part: unknown) => unknown>(
    (change, name) => (part) => changed(part, name, change),
    (part) => {
      if (part instanceof Map) return new Map(part).set("smuggled", CANARY)
      return isPlain(part) && !Array.isArray(part) ? { ...part, smuggled: CANARY, [Symbol("smuggled")]: CANARY } : part
    }
  )(value)
