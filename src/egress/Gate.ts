/** Asks D25 for every connection, and again for the established ones when the lists were changed. */
import { networkInterfaces } from "node:os"
import { Effect, Either, Option } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import { type Destination, egressPermitted, type Policy } from "../guards/EgressPermitted.js"
import { parse, type Rule } from "../guards/EgressRule.js"
import type { Permit, Refused } from "../guards/Guard.js"
import { Refusals } from "../guards/Refusals.js"
import { ContainerTable } from "../projections/ContainerTable.js"
import { EgressTable } from "../projections/EgressTable.js"
import { JobTable } from "../projections/JobTable.js"
import type { Resolve } from "./Resolver.js"
import type { Target } from "./Target.js"

interface Options {
  readonly closedPorts: ReadonlyArray<number>
  readonly resolve: Resolve
}

type Permitted = Permit<"D25", Destination>

export interface Gate {
  readonly check: (container: string, target: Target) => Effect.Effect<Permitted, Refused>
  /** What was permitted, judged by the lists of now. */
  readonly still: (permitted: Permitted) => Effect.Effect<Permitted, Refused>
}

const ownAddresses = (): ReadonlyArray<string> =>
  Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))

/** Rules read before; when there are more of them, all are read again. */
const READ = 4_096

const reader = () => {
  const known = new Map<string, Rule>()
  const one = (text: string): Either.Either<Rule, string> => {
    const rule = known.get(text)
    if (rule !== undefined) return Either.right(rule)
    if (known.size >= READ) known.clear()
    return Either.map(parse(text), (read) => {
      known.set(text, read)
      return read
    })
  }
  // A rule that this build cannot read fails it all: it must not be a rule less on a deny-list.
  return (texts: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Rule>, string> =>
    Effect.suspend(() => Either.all(texts.map(one)))
}

interface Whose {
  readonly key: PublicKey
  readonly mode: string
}

export const make = ({ closedPorts, resolve }: Options) =>
  Effect.gen(function* () {
    const containers = yield* ContainerTable
    const jobs = yield* JobTable
    const table = yield* EgressTable
    const refusals = yield* Refusals
    const compiled = reader()

    const policyOf = (key: PublicKey): Effect.Effect<Policy, unknown> =>
      Effect.flatMap(table.of(key), ({ allow, deny }) =>
        Effect.all({ allow: compiled(allow), deny: compiled(deny), closedPorts: Effect.succeed(closedPorts) })
      )

    /** Fails when nobody has claimed it, or it is gone. */
    const whose = (container: string): Effect.Effect<Whose, unknown> =>
      Effect.gen(function* () {
        const { claim, job, pool: mode } = yield* Effect.flatten(containers.find(container))
        if (claim !== null) return { key: claim.owner, mode }
        const found = yield* Effect.flatten(jobs.find(yield* Effect.fromNullable(job)))
        return { key: found.owner, mode }
      })

    const check = (container: string, { host, port }: Target) =>
      Effect.gen(function* () {
        const owner = yield* Effect.option(whose(container))
        const principal = Option.match(owner, { onNone: () => container, onSome: ({ key }) => key })
        // It has a deadline of its own, and nothing is asked for somebody unknown.
        const addresses = Option.isSome(owner) ? yield* resolve(host) : []
        const known = Effect.flatMap(owner, ({ key, mode }) =>
          Effect.map(policyOf(key), (policy) => {
            return { container, key, mode, host, port, addresses, own: ownAddresses(), policy }
          })
        )
        return yield* egressPermitted.check(known, { principal, action: `reach ${host}:${port}` })
      })

    const still = (permitted: Permitted) => {
      const { container, host, key, port } = permitted.facts
      const known = Effect.all({ owner: whose(container), policy: policyOf(key) }).pipe(
        Effect.map(({ owner, policy }) => ({ ...permitted.facts, ...owner, policy, own: ownAddresses() }))
      )
      return egressPermitted.check(known, { principal: key, action: `stay at ${host}:${port}` })
    }

    const told = Effect.provideService(Refusals, refusals)
    return {
      check: (container, target) => told(check(container, target)),
      still: (permitted) => told(still(permitted))
    } satisfies Gate
  })
