/** A service's keeper: sees that it has a container whenever it should, one after the other, for as long as there is hope. */
import { Effect } from "effect"
import type { ContainerId } from "../../events/Ids.js"
import type { Again, Failure } from "../../events/Service.js"
import type { Exited } from "../../src/substrate/Substrate.js"
import * as Monotonic from "../Monotonic.js"
import type { Claim, Claimed, ContainerLost, Pools } from "../pool/Pools.js"
import * as Waking from "../Waking.js"
import { why } from "../Why.js"
import type { Leaving } from "./Dwelling.js"
import type * as Housing from "./Housing.js"
import type { Live } from "./Live.js"
import { isStartupMillis, Restarts } from "./Restarts.js"
import { type About, Command, type State, wantsContainer } from "./Service.js"

export interface Options extends Housing.Options {
  readonly pools: typeof Pools.Service
}

/** Why it is in no container: it left one, or none could be had. */
type Outcome = Leaving | Unhoused
interface Unhoused {
  readonly _tag: "Unhoused"
  readonly error: Housing.Trouble | ContainerLost
}

/** So that what cannot be recorded is not tried without a pause. */
const SETTLE = "50 millis"

interface Verdict {
  /** Undefined: for good, with this failure. */
  readonly again: Again | undefined
  readonly failure: Failure
  /** It is others who stand in its way. */
  readonly patient: boolean
}

const exitOf = ({ code, how, oom }: Exited) =>
  how === "signalled"
    ? {
        exitCode: 128 + code,
        reason: oom ? "its bootstrap ran out of memory" : `its bootstrap was ended by signal ${code}`
      }
    : { exitCode: code, reason: `its bootstrap ended with status ${code}` }

const judge = (outcome: Exclude<Outcome, { _tag: "Moved" }>, { begun }: About): Verdict => {
  switch (outcome._tag) {
    case "Died": {
      const reason = `its container ended: ${outcome.reason}`
      return { again: "died", failure: { cause: "died", exitCode: null, reason }, patient: false }
    }
    case "Exited": {
      const failure = { cause: "exit" as const, ...exitOf(outcome.exit) }
      // It said itself that it failed, before it was anything to visitors; whatever else ended it may not end it again.
      const hopeless = outcome.exit.how === "exited" && isStartupMillis(outcome.exit.wallMicros / 1_000)
      return { again: hopeless ? undefined : "exited", failure, patient: false }
    }
    case "Unhoused": {
      const { error } = outcome
      const reason = why(error)
      if (error._tag === "Refused") {
        const capacity = error.point === "D10"
        const failure = {
          cause: capacity ? ("no-capacity" as const) : ("unstartable" as const),
          exitCode: null,
          reason
        }
        // Nobody else will make room for what was refused for another reason.
        return { again: capacity ? "container-lost" : undefined, failure, patient: capacity && begun }
      }
      const failure = { cause: "unstartable" as const, exitCode: null, reason }
      return { again: "container-lost", failure, patient: error._tag === "LogUnavailable" }
    }
  }
}

export const make = (options: Options, housing: Housing.Housing) => {
  const claimOf = ({ owner, service, vcpu }: About): Claim => ({
    claimant: { _tag: "Service", service },
    owner,
    limits: options.limits(vcpu)
  })

  const started = (live: Live, { id }: Claimed, restarts: Restarts) =>
    live.actor.ask(Command.Start({ container: id })).pipe(
      Effect.zipRight(Monotonic.millis),
      Effect.map((now) => {
        restarts.running(now)
        return true
      }),
      Effect.catchTags({
        // Destroyed, or stopped, while it was being made ready.
        Rejected: () => Effect.succeed(false),
        NotAccepted: Waking.unanswered,
        OutcomeUnknown: Waking.unanswered
      })
    )

  const adopt = (live: Live, about: About, container: ContainerId): Effect.Effect<Outcome, Unhoused["error"]> => {
    const claim = claimOf(about)
    return options.pools.adopt(container, claim, (adopted) => housing.goOn(live, about, claim, adopted))
  }

  const enter = (live: Live, about: About, restarts: Restarts): Effect.Effect<Outcome, Unhoused["error"]> => {
    const claim = claimOf(about)
    return options.pools.use(about.network, claim, (claimed) =>
      housing.moveIn(live, about, claim, claimed, started(live, claimed, restarts))
    )
  }

  /** Where its history puts it: in the container that it was left in, or in a fresh one. */
  const housed = (live: Live, state: Housable, restarts: Restarts): Effect.Effect<Outcome> => {
    const left = "container" in state
    if (!left) live.occupy(false)
    const stay = left ? adopt(live, state.about, state.container) : enter(live, state.about, restarts)
    return Effect.catchAll(stay, (error) => Effect.succeed({ _tag: "Unhoused", error } as const))
  }

  /** The log may be full for a while: then it is asked again after the pause. */
  const tell = (live: Live, command: Command) => Effect.ignore(live.actor.ask(command))

  const settle = (live: Live, state: Housable, outcome: Exclude<Outcome, { _tag: "Moved" }>, restarts: Restarts) =>
    Effect.gen(function* () {
      const { again, failure, patient } = judge(outcome, state.about)
      const pause = again === undefined ? undefined : yield* pauseAfter(outcome, state, patient, restarts)
      if (again === undefined || pause === undefined) {
        yield* tell(live, Command.Fail({ failure }))
        return yield* Effect.sleep(SETTLE)
      }
      yield* Effect.logDebug(`${live.service}: ${failure.reason}; again in ${pause} ms`)
      yield* tell(live, Command.Again({ cause: again }))
      const moved = live.until(() => (live.state !== undefined && !isStarting(live.state) ? true : undefined))
      yield* Effect.raceFirst(Effect.sleep(pause), moved)
    })

  const keep = (live: Live, retire: Effect.Effect<boolean>) =>
    Effect.suspend(() => {
      const restarts = new Restarts()
      const turn: Effect.Effect<void> = Effect.gen(function* () {
        const state = yield* live.until(() => live.state)
        if (!isHousable(state)) {
          if (yield* retire) return
          return yield* turn
        }
        const outcome = yield* housed(live, state, restarts)
        if (outcome._tag !== "Moved") yield* settle(live, state, outcome, restarts)
        return yield* turn
      })
      return turn
    })

  return { keep }
}

type Housable = Extract<State, { readonly _tag: "Starting" | "Running" | "Frozen" | "Redeploying" }>

const isHousable = (state: State): state is Housable => wantsContainer(state)
const isStarting = ({ _tag }: State) => _tag === "Starting" || _tag === "Redeploying"

/** What a former control plane left and is no more is replaced at once. */
const pauseAfter = (outcome: Outcome, state: Housable, patient: boolean, restarts: Restarts) =>
  Effect.map(Monotonic.millis, (now) => {
    if (outcome._tag === "Unhoused" && "container" in state) return 0
    return patient ? restarts.later() : restarts.after(now)
  })
