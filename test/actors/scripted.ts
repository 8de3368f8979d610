/** The substrate as a script: a faithful implementation of its port in memory, whose steps a test makes fail or hang. */
import { Deferred, Effect, FiberId, Layer } from "effect"
import {
  type Command,
  type Container,
  type Gone,
  type Limits,
  type Ran,
  type Seal,
  Substrate,
  type SubstrateError,
  SubstrateFailed,
  SubstrateLost
} from "../../src/substrate/Substrate.js"
import { seal } from "../guards/points.js"

export const refusal = new SubstrateFailed({ stage: "cgroup.memory", errno: 12, message: "no memory" })
export const loss = new SubstrateLost({ reason: "the spawner is gone" })
const over = new SubstrateFailed({ stage: "gone", errno: 3, message: "the container is gone" })

const nothing = new Uint8Array(0)

export const ran: Ran = {
  how: "exited",
  code: 0,
  userMicros: 1,
  systemMicros: 1,
  peakBytes: 1,
  wallMicros: 1,
  stdoutBytes: 3,
  stderrBytes: 0,
  stdoutTruncated: false,
  stderrTruncated: false,
  oom: false,
  stdout: Buffer.from("ok\n"),
  stderr: nothing
}

const cut: Ran = { ...ran, how: "gone", stdout: nothing }

const sealOf = ({ cpuMillis, memoryBytes, pids }: Limits): Seal =>
  seal({ memory: String(memoryBytes), cpu: String(cpuMillis), pids: String(pids) })

class Box {
  readonly ended = Deferred.unsafeMake<Gone>(FiberId.none)
  /** How often its end was asked for. */
  asked = 0
  over = false

  constructor(
    private readonly script: Script,
    readonly limits: Limits
  ) {}

  /** The kernel showed it empty. */
  end(reason: Gone["reason"]): void {
    if (this.over) return
    this.over = true
    Deferred.unsafeDone(
      this.ended,
      Effect.succeed({ reason, cpuMicros: 1, peakBytes: 1, left: reason === "lost" ? null : 0 })
    )
  }

  private ask(): void {
    this.asked += 1
    if (!this.script.undead) this.end("asked")
  }

  private run(command: Command): Effect.Effect<Ran, SubstrateError> {
    if (this.over) return Effect.fail(over)
    const gone = Effect.flatMap(
      Deferred.await(this.ended),
      ({ reason }): Effect.Effect<Ran, SubstrateError> =>
        reason === "lost" ? Effect.fail(loss) : this.script.early ? Effect.fail(over) : Effect.succeed(cut)
    )
    return Effect.raceFirst(this.script.running(command), gone).pipe(
      Effect.tap(() => Effect.sync(() => command.final && this.end("asked")))
    )
  }

  private unused = Effect.dieMessage("no test asks for this")

  readonly port = (): Container => ({
    seal: sealOf(this.limits),
    run: (command) => Effect.suspend(() => this.run(command)),
    limit: (limits) => Effect.as(this.script.limiting, sealOf(limits)),
    release: Effect.sync(() => this.ask()),
    destroy: Effect.suspend(() => {
      this.ask()
      return Effect.flatMap(Deferred.await(this.ended), (gone) =>
        gone.reason === "lost" ? Effect.fail(loss) : Effect.succeed(gone)
      )
    }),
    gone: Deferred.await(this.ended),
    start: () => this.unused,
    collect: () => this.unused,
    freeze: this.unused,
    unfreeze: this.unused
  })
}

export class Script {
  readonly boxes: Array<Box> = []
  /** What comes before a container is created, its limits are changed, a command has run. */
  creating: Effect.Effect<void, SubstrateError> = Effect.void
  limiting: Effect.Effect<void, SubstrateError> = Effect.void
  running: (command: Command) => Effect.Effect<Ran, SubstrateError> = () => Effect.succeed(ran)
  /** Ends that are asked for do not come. */
  undead = false
  /** What is run in a container that ends has not begun, so it fails. */
  early = false

  get alive(): ReadonlyArray<Box> {
    return this.boxes.filter((box) => !box.over)
  }

  /** The spawner dies, and everything with it. */
  lose(): void {
    for (const box of this.boxes) box.end("lost")
  }

  box(limits: Limits): Container {
    const box = new Box(this, limits)
    this.boxes.push(box)
    return box.port()
  }

  readonly layer = Layer.succeed(
    Substrate,
    Substrate.of({
      facts: Effect.succeed({ text: "{}", weak: [] }),
      create: (_, limits) =>
        Effect.zipRight(
          Effect.suspend(() => this.creating),
          Effect.sync(() => this.box(limits))
        ),
      run: Effect.never
    })
  )
}
