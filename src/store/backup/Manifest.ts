/** What a backup says of itself: first what must be in it, and last what was met on the way. */
import { Either, Schema } from "effect"

const Count = Schema.Int.pipe(Schema.nonNegative())
const Sha256 = Schema.String.pipe(Schema.pattern(/^[0-9a-f]{64}$/))

/** No name leads anywhere: it is one part of a path, and neither hidden nor `..`. */
const Name = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/))
export const isName = Schema.is(Name)

const Weighed = { bytes: Count, sha256: Sha256 }

export const Manifest = Schema.Struct({
  format: Schema.Literal(1),
  /** Milliseconds since 1970: blobs whose retention had passed then are not in it. */
  createdAt: Count,
  /** Where the log stood. */
  head: Schema.Struct({ seq: Count, hash: Sha256 }),
  database: Schema.Struct(Weighed),
  files: Schema.Array(Schema.Struct({ name: Name, ...Weighed })),
  trees: Schema.Array(Name),
  /** Null: they were left out. */
  volumes: Schema.NullOr(Schema.Array(Name)),
  /** False: secrets are sealed under a key that is not in the data directory, and open only where it is given. */
  rootKey: Schema.Boolean
})
export type Manifest = typeof Manifest.Type

export const End = Schema.Struct({
  blobs: Count,
  layers: Count,
  /** Members of `trees/` and `volumes/` that were read to their end. */
  trees: Schema.Array(Schema.Struct({ member: Schema.String, ...Weighed }))
})
export type End = typeof End.Type

/** Of each of the two documents. */
export const MOST_BYTES = 64 * 1024 * 1024

const decoder = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(Schema.parseJson(schema))
  return (text: string): A | undefined => Either.getOrUndefined(decode(text))
}

/** Undefined: it is none. */
export const manifestOf = decoder(Manifest)
export const endOf = decoder(End)
