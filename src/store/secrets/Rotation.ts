/** A new generation of the root key: begun durably, every data key wrapped under it in bounded batches, the former retired last. */
import { Effect, Either, Exit } from "effect"
import { DataRefused } from "../../log/Database.js"
import { GroupCommit } from "../../log/GroupCommit.js"
import { StoreUnavailable } from "../Blobs.js"
import { type Keeper, rewrapping } from "./Rewrapping.js"
import { CURRENT, PREVIOUS } from "./RootKeyEnvironment.js"
import * as RootKeyFiles from "./RootKeyFiles.js"
import * as RootKeyRing from "./RootKeyRing.js"
import { type Rotated, RotationRefused } from "./RootKeys.js"

const refuse = (code: string, message: string) => new RotationRefused({ reason: { code, message } })

/** Names of secrets that a refusal tells. */
const NAMED = 3

const stuckOn = (names: ReadonlyArray<string>) =>
  refuse(
    "secrets_unreadable",
    "the former root key stays: some secrets were tampered with and cannot be wrapped anew, for example " +
      `${names.slice(0, NAMED).join(", ")}; put or delete them, then rotate again`
  )

export const refusing = <A>(path: string, work: () => A) =>
  Effect.try({
    try: work,
    catch: (error) => (error instanceof DataRefused ? error : new DataRefused({ path, reason: String(error) }))
  })

export const rotating = ({ current, generations }: RootKeyRing.Ring): boolean =>
  generations.some(({ generation, retired }) => generation < current.generation && retired === 0)

/** Undefined: what the environment names is in place already, and was so put by a rotation. */
const successorOf = ({ data }: RootKeyRing.Known, { current, generations, held }: RootKeyRing.Ring) => {
  const given = held.find(({ place }) => place === CURRENT) ?? RootKeyRing.loadOrCreate(RootKeyRing.nextIn(data))
  const known = (one: RootKeyRing.Held | undefined) =>
    generations.find(({ identity }) => identity === one?.root.identity)?.generation
  const generation = known(given)
  if (generation === undefined) return Either.right(given)
  const former = known(held.find(({ place }) => place === PREVIOUS))
  if (generation === current.generation && former !== undefined && former < generation) return Either.right(undefined)
  const message =
    `${given.place} is generation ${generation} already: start with a new key in ${CURRENT} ` +
    `(\`openssl rand -hex 64\`) and the one that is in use in ${PREVIOUS}`
  return Either.left(refuse("root_key_in_use", message))
}

export const make = (known: RootKeyRing.Known, keeper: Keeper) =>
  Effect.gen(function* () {
    const commit = yield* GroupCommit
    const one = yield* Effect.makeSemaphore(1)
    const turn = rewrapping(known.db, keeper)
    const insert = known.db.prepare("INSERT INTO root_keys (generation, identity, retired) VALUES (?, ?, 0)")
    const anyOlder = known.db.prepare("SELECT 1 FROM secrets WHERE root < ? LIMIT 1")
    const retire = known.db.prepare("UPDATE root_keys SET retired = 1 WHERE generation < ?")

    const write = <A>(work: () => A) =>
      Effect.mapError(
        commit.submit(1_024, () => Exit.succeed(work())),
        ({ reason }) => new StoreUnavailable({ reason })
      )

    // Nothing is sealed between looking and taking over: what is sealed under an older key is seen here.
    const reopen = refusing(known.data, () => {
      const ring = RootKeyRing.open(known)
      if (ring === undefined) throw new DataRefused({ path: known.data, reason: "its root keys are unknown" })
      keeper.ring = ring
      return ring
    })

    /** In the writer nothing is sealed meanwhile: what this finds is all there is. */
    const end = (generation: number) => () => {
      if (anyOlder.get(generation) !== undefined) return false
      retire.run(generation)
      return true
    }

    const settle = Effect.gen(function* () {
      const ring = yield* reopen
      yield* refusing(known.data, () => RootKeyFiles.settle(known.data, ring))
      yield* reopen
    })

    const finish = Effect.gen(function* () {
      const { current } = yield* reopen
      let [after, rewrapped] = ["", 0]
      const stuck: Array<string> = []
      for (let more = true; more; ) {
        const done = yield* write(() => turn(current, after))
        rewrapped += done.rewrapped
        if (stuck.length < NAMED) stuck.push(...done.stuck)
        more = done.last !== undefined
        after = done.last ?? after
      }
      if (!(yield* write(end(current.generation)))) return yield* stuckOn(stuck)
      yield* settle
      return { generation: current.generation, rewrapped } satisfies Rotated
    })

    const rotate = Effect.gen(function* () {
      const ring = yield* reopen
      if (rotating(ring)) return yield* finish
      const successor = yield* yield* refusing(known.data, () => successorOf(known, ring))
      const { generation } = ring.current
      if (successor === undefined) return { generation, rewrapped: 0 } satisfies Rotated
      yield* write(() => insert.run(generation + 1, successor.root.identity))
      return yield* finish
    })

    return {
      rotate: one.withPermits(1)(rotate),
      /** What a former process left half done. */
      resume: Effect.suspend(() => (rotating(keeper.ring) ? Effect.asVoid(finish) : settle))
    }
  })
