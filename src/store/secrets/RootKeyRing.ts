/** The generations of the root key that a store knows, and the keys in hand that fit them: a file's, or the environment's. */
import { join } from "node:path"
import type Sqlite from "better-sqlite3"
import { Redacted } from "effect"
import { DataRefused } from "../../log/Database.js"
import * as KeyFile from "../../log/KeyFile.js"
import { type WrappingKey, wrappingKey } from "./Envelope.js"
import * as RootKey from "./RootKey.js"
import { CURRENT, type Offered, PREVIOUS } from "./RootKeyEnvironment.js"

interface Generation {
  readonly generation: number
  readonly identity: string
  /** 1: nothing is sealed under it any more. */
  readonly retired: number
}

export interface Held {
  readonly root: RootKey.RootKey
  readonly source: "environment" | "file"
  /** The file's path, or the variable's name. */
  readonly place: string
}

export interface Known {
  readonly data: string
  readonly db: Sqlite.Database
  readonly offered: Offered
}

export interface Ring {
  /** Every one, oldest first. */
  readonly generations: ReadonlyArray<Generation>
  readonly held: ReadonlyArray<Held>
  /** Of every generation that something may be sealed under. */
  readonly keys: ReadonlyMap<number, WrappingKey>
  /** What new secrets are sealed under. */
  readonly current: WrappingKey
}

export const fileIn = (data: string): string => join(data, "root.key")

/** Where a new generation waits until the last secret is wrapped under it. */
export const nextIn = (data: string): string => join(data, "root.next.key")

const offeredIn = (place: string, text: Redacted.Redacted<string> | undefined): Held | undefined => {
  if (text === undefined) return undefined
  const root = RootKey.parse(Redacted.value(text))
  if (root !== undefined) return { root, source: "environment", place }
  const reason = "a root key is 64 random bytes as hex or base64; `openssl rand -hex 64` makes one"
  throw new DataRefused({ path: place, reason })
}

export const loadFile = (place: string): Held | undefined => {
  const bytes = KeyFile.load(place)
  if (bytes === undefined) return undefined
  if (bytes.length === RootKey.SIZE) return { root: RootKey.of(bytes), source: "file", place }
  const reason = `a root key has ${RootKey.SIZE} bytes, this has ${bytes.length}: restore the file from a copy`
  throw new DataRefused({ path: place, reason })
}

/** What was made by a former attempt is used; nothing is sealed under it yet. */
export const loadOrCreate = (place: string): Held => {
  const found = loadFile(place)
  if (found !== undefined) return found
  const bytes = RootKey.generate()
  KeyFile.create(place, bytes)
  return { root: RootKey.of(bytes), source: "file", place }
}

const inHand = ({ data, offered }: Known): ReadonlyArray<Held> => {
  if (offered.exposed !== undefined)
    throw new DataRefused({
      path: CURRENT,
      reason: `it cannot be wiped from /proc/PID/environ (${offered.exposed}); put the root key into ${fileIn(data)}`
    })
  const all = [
    offeredIn(CURRENT, offered.current),
    offeredIn(PREVIOUS, offered.previous),
    loadFile(fileIn(data)),
    loadFile(nextIn(data))
  ]
  return all.filter((one) => one !== undefined)
}

const generationsIn = (db: Sqlite.Database): ReadonlyArray<Generation> =>
  db.prepare<[], Generation>("SELECT generation, identity, retired FROM root_keys ORDER BY generation").all()

const used = (db: Sqlite.Database): ReadonlyArray<number> =>
  db.prepare<[], number>("SELECT DISTINCT root FROM secrets WHERE root IS NOT NULL").pluck().all()

/** Nothing can have been sealed under a generation that is retired, or that never was: such a row was tampered with. */
const neededOf = (generations: ReadonlyArray<Generation>, used: ReadonlyArray<number>): ReadonlyArray<number> => {
  const newest = generations.at(-1)
  if (newest === undefined) return used
  const older = generations.filter(({ generation, retired }) => retired === 0 && used.includes(generation))
  return [...older.map(({ generation }) => generation), newest.generation]
}

const misfit = ({ data }: Known, generation: number, held: ReadonlyArray<Held>, all: ReadonlyArray<Generation>) => {
  const [first] = held
  const where = `put the right one into ${fileIn(data)} or ${CURRENT}`
  if (first === undefined)
    return new DataRefused({
      path: fileIn(data),
      reason: `it is missing, and secrets are sealed under it (generation ${generation}): restore it, or set ${CURRENT}`
    })
  const former = all.find(({ identity }) => identity === first.root.identity)
  const which = former === undefined ? "is another store's" : `is generation ${former.generation}`
  return new DataRefused({
    path: first.place,
    reason: `this root key ${which}; secrets are sealed under generation ${generation}: ${where} (${PREVIOUS} takes a second one)`
  })
}

/** Undefined: this store never had a root key. Throws DataRefused when one that is needed is not in hand; changes nothing. */
export const open = (known: Known): Ring | undefined => {
  const held = inHand(known)
  const generations = generationsIn(known.db)
  const newest = generations.at(-1)
  const needed = new Set(neededOf(generations, used(known.db)))
  const keys = new Map<number, WrappingKey>()
  for (const generation of needed) {
    const identity = generations.find((one) => one.generation === generation)?.identity
    const fits = held.find(({ root }) => root.identity === identity)
    if (fits === undefined) throw misfit(known, generation, held, generations)
    keys.set(generation, wrappingKey(fits.root, generation))
  }
  const current = newest === undefined ? undefined : keys.get(newest.generation)
  return current === undefined ? undefined : { generations, held, keys, current }
}

/** The first root key of a store: the environment's, the file's, or a new one in the file. */
export const first = (known: Known): Held => {
  const [given] = inHand(known).filter(({ place }) => place !== PREVIOUS && place !== nextIn(known.data))
  return given ?? loadOrCreate(fileIn(known.data))
}

/** By the identity that the store keeps of it. */
export const holderOf = ({ generations, held, current }: Ring): Held | undefined => {
  const identity = generations.find(({ generation }) => generation === current.generation)?.identity
  return held.find(({ root }) => root.identity === identity)
}
