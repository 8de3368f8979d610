/** What runs containers (port). Drivers pass the conformance suite in test/substrate. */
import { Context, Data, type Effect, type Scope, type Stream } from "effect"

/** Limits as asked for; what was got is in the seal. */
export interface Limits {
  readonly memoryBytes: number
  /** 1000 is one vCPU. */
  readonly cpuMillis: number
  readonly pids: number
  readonly tmpBytes: number
}

/** What the kernel says that a container ended up with: `key → value`, read back, never echoed. */
export type Seal = ReadonlyMap<string, string>

export interface File {
  /** Absolute, below /tmp. */
  readonly path: string
  readonly mode: number
  readonly content: Uint8Array
}

export interface Command {
  readonly argv: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly files: ReadonlyArray<File>
  /** Undefined: /dev/null. */
  readonly stdin?: Uint8Array
  readonly timeoutMillis: number
  /** Bytes kept a stream. */
  readonly outputCap: number
  /** The container is destroyed as soon as this command ends. */
  readonly final: boolean
}

export interface Exited {
  readonly how: "exited" | "signalled" | "timed-out" | "gone"
  /** Exit status, or signal number. */
  readonly code: number
  readonly userMicros: number
  readonly systemMicros: number
  readonly peakBytes: number
  readonly wallMicros: number
  readonly stdoutBytes: number
  readonly stderrBytes: number
  readonly stdoutTruncated: boolean
  readonly stderrTruncated: boolean
  readonly oom: boolean
}

/** A finished command with what it wrote, at most `outputCap` bytes a stream. */
export interface Ran extends Exited {
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

export interface Gone {
  readonly reason: "asked" | "died" | "timed-out" | "oom" | "shutdown" | "lost"
  readonly cpuMicros: number
  readonly peakBytes: number
  /** Processes left when the cgroup was read back; null when nobody could look (the spawner itself died). */
  readonly left: number | null
}

export interface Collected {
  readonly files: ReadonlyArray<{ readonly path: string; readonly mode: number; readonly content: Uint8Array }>
  /** False when the bounds were hit: what fits is in `files`. */
  readonly complete: boolean
}

/** The substrate refused or failed at `stage`; `message` names the fix. */
export class SubstrateFailed extends Data.TaggedError("SubstrateFailed")<{
  readonly stage: string
  readonly errno: number
  readonly message: string
}> {}

/** The spawner is gone, and every container with it. */
export class SubstrateLost extends Data.TaggedError("SubstrateLost")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export type SubstrateError = SubstrateFailed | SubstrateLost

/** An interactive or streaming command. */
export interface Process {
  readonly output: Stream.Stream<{ readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array }, SubstrateError>
  /** False: refused because too much is waiting to be read by the program. Empty bytes end the input. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<boolean, SubstrateError>
  readonly resize: (columns: number, rows: number) => Effect.Effect<void, SubstrateError>
  readonly signal: (signo: number) => Effect.Effect<void, SubstrateError>
  readonly exited: Effect.Effect<Exited, SubstrateError>
}

export interface ProcessOptions {
  readonly tty?: { readonly columns: number; readonly rows: number }
  readonly stdin: boolean
}

export interface Container {
  readonly seal: Seal
  /** Runs to the end and collects its output. Interrupting it leaves the container to be destroyed by its owner. */
  readonly run: (command: Command) => Effect.Effect<Ran, SubstrateError>
  /** Runs beside the caller; ends with the scope (SIGKILL to its group). */
  readonly start: (command: Command, options: ProcessOptions) => Effect.Effect<Process, SubstrateError, Scope.Scope>
  /** Changes limits live and reads them back. */
  readonly limit: (limits: Limits) => Effect.Effect<Seal, SubstrateError>
  /** Kills everything else inside, then takes the regular files below `directory` (itself below /tmp). */
  readonly collect: (
    directory: string,
    bounds: { readonly files: number; readonly bytes: number; readonly exclude: ReadonlyArray<string> }
  ) => Effect.Effect<Collected, SubstrateError>
  readonly freeze: Effect.Effect<void, SubstrateError>
  readonly unfreeze: Effect.Effect<void, SubstrateError>
  /** Asks for its end and does not wait for it; idempotent. */
  readonly release: Effect.Effect<void>
  /** Idempotent; resolves when the kernel showed it empty. */
  readonly destroy: Effect.Effect<Gone, SubstrateLost>
  /** Resolves when it is gone, for whatever reason. */
  readonly gone: Effect.Effect<Gone>
}

export interface Facts {
  /** The driver's own words about this host, as JSON. */
  readonly text: string
  /** Limits or namespaces that could not be had and that the operator accepted. */
  readonly weak: ReadonlyArray<string>
}

export class Substrate extends Context.Tag("substrate/Substrate")<
  Substrate,
  {
    readonly facts: Effect.Effect<Facts, SubstrateLost>
    /** A sealed, idle container. The caller owns it and must destroy it; it dies with the substrate. */
    readonly create: (hostname: string, limits: Limits) => Effect.Effect<Container, SubstrateError>
    /** Keeps the driver's processes alive: never ends well. The tree supervises it. */
    readonly run: Effect.Effect<never, SubstrateLost>
  }
>() {}
