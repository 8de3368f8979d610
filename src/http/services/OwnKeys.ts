/** Looks whether a caller hands its own key, or one above it, to the programs of a service. */
import { Data, Effect, Option } from "effect"
import { Keys } from "../../../actors/key/Keys.js"
import type { InputFile } from "../../guards/FilesContained.js"
import type { Refused } from "../../guards/Guard.js"
import { ownKeyKept } from "../../guards/OwnKey.js"
import { type Variables, valueOf } from "../../guards/VaultVariables.js"
import { KeyTable } from "../../projections/KeyTable.js"
import * as Asking from "../Asking.js"

class Missing extends Data.TaggedError("Missing")<{}> {}

/** What its programs will read. */
interface Handed {
  readonly env?: Variables
  readonly bootstrap?: string | undefined
  /** Decoded. */
  readonly files?: ReadonlyArray<InputFile>
}

const list = ({ bootstrap, env = {}, files = [] }: Handed) => [
  ...Object.entries(env).map(([name, variable]) => ({ where: "vault" as const, name, value: valueOf(variable) })),
  ...files.flatMap(({ content, name }) => [
    // A name is read as easily as what it names; one that holds a secret is not said.
    { where: "file" as const, name: "(its name)", value: name },
    { where: "file" as const, name, value: content }
  ]),
  ...(bootstrap === undefined ? [] : [{ where: "bootstrap" as const, name: "bootstrap", value: bootstrap }])
]

export const make = Effect.gen(function* () {
  const keys = yield* Keys
  const table = yield* KeyTable
  const guarding = yield* Asking.make

  const known = <A, E>(found: Effect.Effect<Option.Option<A>, E>) =>
    Effect.flatMap(found, Option.match({ onNone: () => new Missing(), onSome: Effect.succeed }))

  /** Of the key and of all above it; one that cannot be had is uncertainty. */
  const secretsOf = (owner: string) =>
    Effect.gen(function* () {
      const record = yield* known(table.find(owner))
      return yield* Effect.forEach([record, ...record.line], ({ key }) => known(keys.secretOf(key)))
    })

  /** Refuses what has a secret in it that its programs could act with as its owner. */
  return (given: Handed, asking: Asking.Asking): Effect.Effect<void, Refused> => {
    const handed = list(given)
    if (handed.length === 0) return Effect.void
    const facts = Effect.map(secretsOf(asking.caller.key.key), (secrets) => ({ handed, secrets }))
    return Effect.asVoid(guarding.check(ownKeyKept, facts, asking))
  }
})

export type OwnKeys = Effect.Effect.Success<typeof make>
