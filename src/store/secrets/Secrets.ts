/** Small secrets, encrypted at rest in envelopes under the root key; a secret opens only under its own name. */
import { Context, Data, Effect, Exit, Layer, Option, Redacted } from "effect"
import { Database, DataRefused } from "../../log/Database.js"
import { GroupCommit } from "../../log/GroupCommit.js"
import { StoreUnavailable } from "../Blobs.js"
import * as Envelope from "./Envelope.js"
import * as MasterKey from "./MasterKey.js"
import type { Keeper } from "./Rewrapping.js"
import { RootKeyEnvironment } from "./RootKeyEnvironment.js"
import * as RootKeyRing from "./RootKeyRing.js"
import { RootKeys } from "./RootKeys.js"
import * as Rotation from "./Rotation.js"

/** What is kept under this name was not sealed by us, or not under this name: do not go on without it. */
export class Unsealable extends Data.TaggedError("Unsealable")<{ readonly name: string }> {}

export class Secrets extends Context.Tag("store/secrets/Secrets")<
  Secrets,
  {
    /** Resolves once durable; replaces what was there. */
    readonly put: (name: string, secret: Redacted.Redacted<string>) => Effect.Effect<void, StoreUnavailable>
    /** None only when there is no such secret. */
    readonly get: (
      name: string
    ) => Effect.Effect<Option.Option<Redacted.Redacted<string>>, StoreUnavailable | Unsealable>
    /** Resolves once durable, with whether there was one. */
    readonly delete: (name: string) => Effect.Effect<boolean, StoreUnavailable>
  }
>() {}

const mostBytes = 64 * 1024

const unavailable = (reason: string) => new StoreUnavailable({ reason })

/** Nothing that the store depends on is changed before every key fits; what a former version sealed is sealed anew. */
const opened = (known: RootKeyRing.Known) =>
  Effect.gen(function* () {
    const { data, db } = known
    const commit = yield* GroupCommit
    const refusing = <A>(work: () => A) => Rotation.refusing(data, work)
    const write = <A>(work: () => A) =>
      Effect.mapError(
        commit.submit(1_024, () => Exit.succeed(work())),
        ({ reason }) => new DataRefused({ path: data, reason })
      )
    const insert = db.prepare("INSERT INTO root_keys (generation, identity, retired) VALUES (1, ?, 0)")

    const former = yield* refusing(() => MasterKey.verified(data, db))
    if ((yield* refusing(() => RootKeyRing.open(known))) === undefined) {
      const { root } = yield* refusing(() => RootKeyRing.first(known))
      yield* write(() => insert.run(root.identity))
    }
    const ring = yield* refusing(() => RootKeyRing.open(known))
    if (ring === undefined) return yield* new DataRefused({ path: data, reason: "it did not keep its root key" })
    if (former !== undefined) {
      const reseal = MasterKey.resealing(db, former)
      while (yield* write(() => reseal(ring.current)));
    }
    yield* refusing(() => MasterKey.remove(data))
    return ring
  })

const make = Effect.gen(function* () {
  const { data, writer, reader } = yield* Database
  const commit = yield* GroupCommit
  const known = { data, db: writer, offered: yield* RootKeyEnvironment }
  const keeper: Keeper = { ring: yield* opened(known) }
  const rotation = yield* Rotation.make(known, keeper)
  const insert = writer.prepare(
    "INSERT OR REPLACE INTO secrets (name, version, root, wrapped, nonce, sealed) VALUES (?, ?, ?, ?, ?, ?)"
  )
  const remove = writer.prepare("DELETE FROM secrets WHERE name = ?")
  const select = reader.prepare<[string], Envelope.Sealed>(
    "SELECT version, root, wrapped, nonce, sealed FROM secrets WHERE name = ?"
  )
  const count = reader.prepare<[], number>("SELECT count(*) FROM secrets").pluck()

  const attempt = <A>(work: () => A) => Effect.try({ try: work, catch: (error) => unavailable(String(error)) })

  const write = <A>(weight: number, work: () => A) =>
    Effect.mapError(
      commit.submit(weight, () => Exit.succeed(work())),
      ({ reason }) => unavailable(reason)
    )

  // In the writer's turn, so that nothing is sealed under a root key that was retired while it waited.
  const keep = (name: string, secret: string) => () => {
    const { nonce, root, sealed, version, wrapped } = Envelope.seal(keeper.ring.current, name, secret)
    insert.run(name, version, root, wrapped, nonce, sealed)
  }

  const unseal = (name: string, found: Envelope.Sealed): string => {
    const under = keeper.ring.keys.get(found.root ?? 0)
    if (under === undefined) throw new Error("no key of ours")
    return Envelope.open(under, name, found)
  }

  const secrets = Secrets.of({
    put: (name, secret) =>
      Effect.suspend(() => {
        const text = Redacted.value(secret)
        const bytes = Buffer.byteLength(text)
        if (bytes > mostBytes) return unavailable(`a secret has at most ${mostBytes} bytes`)
        return write(1_024 + bytes, keep(name, text))
      }),
    get: (name) =>
      Effect.flatMap(
        attempt(() => select.get(name)),
        (found) =>
          found === undefined
            ? Effect.succeedNone
            : Effect.try({
                try: () => Option.some(Redacted.make(unseal(name, found))),
                catch: () => new Unsealable({ name })
              })
      ),
    delete: (name) => write(1_024, () => remove.run(name).changes > 0)
  })

  const show = attempt(() => {
    const { ring } = keeper
    const { place = "", source = "file" } = RootKeyRing.holderOf(ring) ?? {}
    const secrets = count.get() ?? 0
    return { generation: ring.current.generation, secrets, source, place, rotating: Rotation.rotating(ring) }
  })

  yield* Effect.catchTags(rotation.resume, {
    RotationRefused: ({ reason }) => Effect.logWarning(reason.message),
    StoreUnavailable: ({ reason }) => new DataRefused({ path: data, reason })
  })
  return Context.make(Secrets, secrets).pipe(Context.add(RootKeys, RootKeys.of({ show, rotate: rotation.rotate })))
})

export const layer = Layer.effectContext(make)
