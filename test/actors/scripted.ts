/** The substrate as a script: a faithful implementation of its port in memory, whose steps a test makes fail or hang. */
import { Deferred, Effect, FiberId, Layer } from "effect"
import {
  type Command,
  type Container,
  type Exited,
  type Gone,
  type Kept,
  type Launched,
  type Limits,
  type LogFile,
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

/** A command that was launched: a test ends it, or its container does. */
class Launch {
  readonly exited = Deferred.unsafeMake<Exited, SubstrateError>(FiberId.none)
  readonly signals: Array<number> = []

  constructor(
    readonly command: Command,
    readonly log: LogFile
  ) {}

  end(exited: Partial<Exited> = {}): void {
    const { stderr, stdout, ...how } = ran
    Deferred.unsafeDone(this.exited, Effect.succeed({ ...how, ...exited }))
  }

  readonly port: Launched = {
    exited: Deferred.await(this.exited),
    signal: (signo) => Effect.sync(() => void this.signals.push(signo))
  }
}

class Box {
  readonly ended = Deferred.unsafeMake<Gone>(FiberId.none)
  readonly launched: Array<Launch> = []
  /** What it is kept as, mounts, and relays out of itself. */
  label: string | undefined
  directory: string | undefined
  readonly relays = new Map<number, string>()
  frozen = false
  /** How often its end was asked for. */
  asked = 0
  over = false
  /** Processes that the kernel shows when it is gone, and later. */
  left = 0

  constructor(
    private readonly script: Script,
    /** As the kernel has them now. */
    public limits: Limits
  ) {}

  /** The kernel showed it empty. */
  end(reason: Gone["reason"]): void {
    if (this.over) return
    this.over = true
    const why = reason === "lost" ? loss : over
    for (const { exited } of this.launched) Deferred.unsafeDone(exited, Effect.fail(why))
    Deferred.unsafeDone(
      this.ended,
      Effect.succeed({ reason, cpuMicros: 1, peakBytes: 1, left: reason === "lost" ? null : this.left })
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

  /** A step of its own, if the container is there to take it. */
  private step(take: () => void): Effect.Effect<void, SubstrateError> {
    return Effect.suspend(() => (this.over ? Effect.fail(over) : Effect.sync(take)))
  }

  private launch(command: Command, log: LogFile): Effect.Effect<Launched, SubstrateError> {
    const launch = new Launch(command, log)
    return Effect.as(
      Effect.zipRight(
        this.script.launching(command),
        this.step(() => void this.launched.push(launch))
      ),
      launch.port
    )
  }

  private unused = Effect.dieMessage("no test asks for this")

  readonly port = (): Container => ({
    seal: sealOf(this.limits),
    run: (command) => Effect.suspend(() => this.run(command)),
    limit: (limits) =>
      Effect.map(this.script.limiting, () => {
        this.limits = limits
        return sealOf(limits)
      }),
    release: Effect.sync(() => this.ask()),
    destroy: Effect.suspend(() => {
      this.ask()
      return Effect.flatMap(Deferred.await(this.ended), (gone) =>
        gone.reason === "lost" ? Effect.fail(loss) : Effect.succeed(gone)
      )
    }),
    gone: Deferred.await(this.ended),
    left: Effect.sync(() => (this.over ? this.left : 1)),
    start: () => this.unused,
    collect: () => this.unused,
    dial: () => this.unused,
    launch: (command, log) => Effect.suspend(() => this.launch(command, log)),
    attach: (directory) =>
      this.step(() => {
        this.directory = directory
      }),
    keep: (label) =>
      Effect.zipRight(
        this.script.keeping,
        this.step(() => {
          this.label = label
        })
      ),
    egress: (port, path) => this.step(() => void this.relays.set(port, path)),
    freeze: this.step(() => {
      this.frozen = true
    }),
    unfreeze: this.step(() => {
      this.frozen = false
    })
  })
}

export class Script {
  readonly boxes: Array<Box> = []
  /** What comes before a container is created, its limits are changed, a command has run. */
  creating: Effect.Effect<void, SubstrateError> = Effect.void
  limiting: Effect.Effect<void, SubstrateError> = Effect.void
  /** And before it is kept. */
  keeping: Effect.Effect<void, SubstrateError> = Effect.void
  launching: (command: Command) => Effect.Effect<void, SubstrateError> = () => Effect.void
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

  /** The control plane is gone: what nobody kept goes, the rest is there for the next. */
  leave(): void {
    for (const box of this.boxes) if (box.label === undefined) box.end("shutdown")
  }

  get kept(): ReadonlyArray<Kept> {
    return this.alive.flatMap((box) =>
      box.label === undefined
        ? []
        : [
            {
              label: box.label,
              container: box.port(),
              frozen: box.frozen,
              launched: box.launched.map(({ port }) => port)
            }
          ]
    )
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
      kept: Effect.sync(() => this.kept),
      run: Effect.never
    })
  )
}
