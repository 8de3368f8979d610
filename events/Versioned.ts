/** An event type through time: the newest shape has a schema, older ones have a way up to it. */
import { Data, Either, Schema } from "effect"

export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** From version n (the index + 1) to the next. What the old rows meant stands in a comment beside it. */
export type Upcaster = (old: JsonObject) => JsonObject

/** A row that this build cannot read: the reader stops, because a guess would be a different history. */
export class Unreadable extends Data.TaggedError("Unreadable")<{
  readonly type: string
  readonly version: number
  readonly reason: string
}> {}

export type Reader<A> = (type: string, version: number, data: JsonObject) => Either.Either<A, Unreadable>

export interface Versioned<out A> {
  readonly tag: string
  readonly version: number
  readonly read: Reader<A>
}

/** Schemas of events have no transformations: what is in memory is what is written. */
export const define = <A extends { readonly _tag: string }, I>(
  tag: A["_tag"],
  schema: Schema.Schema<A, I>,
  ...upcasters: ReadonlyArray<Upcaster>
): Versioned<A> => {
  const newest = upcasters.length + 1
  const decode = Schema.decodeUnknownEither(schema, { onExcessProperty: "error" })
  return {
    tag,
    version: newest,
    read: (type, version, data) => {
      if (!Number.isInteger(version) || version < 1 || version > newest)
        return Either.left(new Unreadable({ type, version, reason: `this build reads versions 1 to ${newest}` }))
      const current = upcasters.slice(version - 1).reduce((old, up) => up(old), data)
      return Either.mapLeft(
        decode({ ...current, _tag: type }),
        (error) => new Unreadable({ type, version, reason: error.message })
      )
    }
  }
}

/** Reads rows of any of the given types; an unknown type is refused, never skipped. */
export const reader = <A>(...events: ReadonlyArray<Versioned<A>>): Reader<A> => {
  const byTag = new Map(events.map((event) => [event.tag, event]))
  return (type, version, data) =>
    byTag.get(type)?.read(type, version, data) ??
    Either.left(new Unreadable({ type, version, reason: "no such event type" }))
}
