/** How a service moves into a container: its root attached, its files put there, its bootstrap launched. */
import { Effect, Exit, Option } from "effect"
import type { Limits } from "../../events/Container.js"
import type { Digest } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import { baseEnv, home, inputDirectory } from "../../src/languages/Plan.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import { Blobs, StoreUnavailable } from "../../src/store/Blobs.js"
import { ServiceLogs } from "../../src/store/ServiceLogs.js"
import { Volumes } from "../../src/store/Volumes.js"
import type { Command, File, Launched, SubstrateError } from "../../src/substrate/Substrate.js"
import type { Adopted, Claim, Claimed } from "../pool/Pools.js"
import { dwell, type Leaving } from "./Dwelling.js"
import type { Housed, Live } from "./Live.js"
import type { About } from "./Service.js"
import type { Stillness } from "./Stillness.js"
import type * as Vault from "./Vault.js"

const BOOTSTRAP = "/tmp/bootstrap.sh"

/** A script says itself what reads it, or bash does; a root without one is a place to run commands in. */
const boot = `[ -f ${BOOTSTRAP} ] || exit 0
case "$(head -c 2 ${BOOTSTRAP} | tr -d '\\0')" in '#!') chmod u+x ${BOOTSTRAP} && exec ${BOOTSTRAP};; esac
exec /bin/bash ${BOOTSTRAP}`

export type Trouble = SubstrateError | StoreUnavailable | Refused | LogUnavailable

export interface Options {
  readonly limits: (vcpu: number) => Limits
  readonly logBytes: number
}

const nothing: Vault.Released = { env: {}, files: [] }

const environment = ({ name, ports }: About, { env }: Vault.Released): Readonly<Record<string, string>> => ({
  ...baseEnv,
  SERVICE_NAME: name,
  ...(ports[0] === undefined ? {} : { PORT: String(ports[0]) }),
  ...env
})

export const commandOf = (argv: ReadonlyArray<string>, about: About, released: Vault.Released): Command => ({
  argv,
  env: environment(about, released),
  cwd: home,
  files: released.files,
  timeoutMillis: 0,
  outputCap: 0,
  final: false
})

export interface Housing {
  /** Into a container that was claimed for it and is fresh. `started` records that, before anything runs; false: not wanted. */
  readonly moveIn: (
    live: Live,
    about: About,
    claim: Claim,
    claimed: Claimed,
    started: Effect.Effect<boolean, Trouble>
  ) => Effect.Effect<Leaving, Trouble>
  /** Back into one that a former control plane left. */
  readonly goOn: (live: Live, about: About, claim: Claim, adopted: Adopted) => Effect.Effect<Leaving, Trouble>
}

export const make = (options: Options, vault: Vault.Vault, stillness: Stillness) =>
  Effect.gen(function* () {
    const volumes = yield* Volumes
    const blobs = yield* Blobs
    const logs = yield* ServiceLogs
    const around = { limits: options.limits, stillness }

    const kept = (digest: Digest) =>
      Effect.flatMap(
        blobs.get(digest),
        Option.match({
          onNone: () => new StoreUnavailable({ reason: `${digest} is no longer kept` }),
          onSome: Effect.succeed
        })
      )

    const filesOf = ({ pending }: About): Effect.Effect<ReadonlyArray<File>, StoreUnavailable> =>
      Effect.gen(function* () {
        const inputs = yield* Effect.forEach(pending.inputs, ({ digest, name }) =>
          Effect.map(kept(digest), (content) => ({ path: `${inputDirectory}/${name}`, mode: 0o644, content }))
        )
        if (pending.bootstrap === null) return inputs
        const content = yield* kept(pending.bootstrap.digest)
        return [...inputs, { path: BOOTSTRAP, mode: 0o755, content }]
      })

    const launch = (about: About, claim: Claim, claimed: Claimed): Effect.Effect<Launched | undefined, Trouble> =>
      Effect.gen(function* () {
        if (!about.bootable) return undefined
        const released = yield* vault.release(about, claim, claimed)
        const log = { path: logs.path(about.service), cap: options.logBytes }
        return yield* claimed.container.launch(commandOf(["/bin/sh", "-c", boot], about, released), log)
      })

    /** What was not there before it runs: its root, and in it the files that came with the order. */
    const furnish = (about: About, { container, keep }: Claimed) =>
      Effect.gen(function* () {
        const files = yield* filesOf(about)
        yield* container.attach(yield* volumes.create(about.service))
        if (files.length > 0)
          yield* container.run({
            ...commandOf(["/bin/true"], about, nothing),
            files,
            outputCap: 1,
            timeoutMillis: 30_000
          })
        yield* keep
      })

    /** Not while somebody wants its root still; who wants that afterwards waits until it is at home. */
    const enter = (live: Live): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (stillness.holds(live.service)) return Effect.zipRight(stillness.over(live.service), enter(live))
        live.occupy(true)
        return Effect.void
      })

    return {
      moveIn: (live, about, claim, claimed, started) =>
        Effect.gen(function* () {
          yield* enter(live)
          yield* furnish(about, claimed)
          if (!(yield* started)) return { _tag: "Moved" } as const
          yield* vault.inhabit(about, claim, claimed)
          const launched = yield* launch(about, claim, claimed)
          const housed: Housed = { claim, claimed, frozen: false, vcpu: about.vcpu, denied: undefined }
          return yield* dwell(live, housed, launched, around)
        }).pipe(Effect.scoped, leaving(live, claimed)),
      goOn: (live, about, claim, adopted) =>
        Effect.gen(function* () {
          const [known] = adopted.launched
          yield* vault.inhabit(about, claim, adopted)
          // The last control plane may have ended between the two.
          const launched = known ?? (adopted.frozen ? undefined : yield* launch(about, claim, adopted))
          // With what limits it was left is not known for certain: they are set anew.
          const housed: Housed = { claim, claimed: adopted, frozen: adopted.frozen, vcpu: 0, denied: undefined }
          return yield* dwell(live, housed, launched, around)
        }).pipe(Effect.scoped, leaving(live, adopted))
    } satisfies Housing
  })

/**
 * Only the end of the control plane interrupts it, and that is not the end of the service. Otherwise nothing of the
 * container is left when it returns: the next one is given the same root.
 */
const leaving =
  (live: Live, { cancel, leave }: Claimed) =>
  <A, E, R>(stay: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.onExit(stay, (exit) =>
      Exit.isInterrupted(exit)
        ? leave
        : Effect.ensuring(
            cancel,
            Effect.sync(() => live.occupy(false))
          )
    )
