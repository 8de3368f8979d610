/** What runs containers (port). Drivers pass the conformance suite in test/substrate. */
import type { Socket } from "node:net"
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
  /** Bytes kept a stream; 0: all, and whoever reads slowly slows the program down (`start` only). */
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
  /** Comes after the last of its output: what is not capped must have been read. */
  readonly exited: Effect.Effect<Exited, SubstrateError>
}

export interface ProcessOptions {
  readonly tty?: { readonly columns: number; readonly rows: number }
  readonly stdin: boolean
}

/** Where a launched command's output goes: a host file of at most `cap` bytes, and as much of what was before it in `path`.1. */
export interface LogFile {
  readonly path: string
  readonly cap: number
}

/** A command that goes on without us. */
export interface Launched {
  /** Resolves also when it ended while no control plane was there. */
  readonly exited: Effect.Effect<Exited, SubstrateError>
  readonly signal: (signo: number) => Effect.Effect<void, SubstrateError>
}

export interface Container {
  readonly seal: Seal
  /** Runs to the end and collects its output. Interrupting it leaves the container to be destroyed by its owner. */
  readonly run: (command: Command) => Effect.Effect<Ran, SubstrateError>
  /** Runs beside the caller; ends with the scope (SIGKILL to its group). */
  readonly start: (command: Command, options: ProcessOptions) => Effect.Effect<Process, SubstrateError, Scope.Scope>
  /** As `start`, for a command that survives the control plane in a kept container; its output goes to a bounded file. */
  readonly launch: (command: Command, log: LogFile) => Effect.Effect<Launched, SubstrateError>
  /**
   * Mounts the host directory's `home`, `tmp` and `srv` (made when missing) over /home/sandbox, /tmp and /srv, read-write. Once, before
   * anything ran in it.
   */
  readonly attach: (directory: string) => Effect.Effect<void, SubstrateError>
  /** From now on it survives the control plane; `Substrate.kept` finds it by its label. */
  readonly keep: (label: string) => Effect.Effect<void, SubstrateError>
  /** A connection to 127.0.0.1:`port` inside; ends with the scope, each way by itself. A frozen container refuses (EBUSY). */
  readonly dial: (port: number) => Effect.Effect<Socket, SubstrateError, Scope.Scope>
  /** What connects to 127.0.0.1:`port` inside is relayed to the UNIX socket `path` outside, after one line `container <hostname> <label or ->`. */
  readonly egress: (port: number, path: string) => Effect.Effect<void, SubstrateError>
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
  /** How many of its processes the kernel shows now: asked again of one that was gone and not empty. Null: nobody can look. */
  readonly left: Effect.Effect<number | null>
}

export interface Facts {
  /** The driver's own words about this host, as JSON. */
  readonly text: string
  /** Limits or namespaces that could not be had and that the operator accepted. */
  readonly weak: ReadonlyArray<string>
}

/** A container that a former control plane kept. */
export interface Kept {
  readonly label: string
  readonly container: Container
  readonly frozen: boolean
  /** What was launched in it and runs, or has ended since nobody was there to hear of it; in order. */
  readonly launched: ReadonlyArray<Launched>
}

export class Substrate extends Context.Tag("substrate/Substrate")<
  Substrate,
  {
    readonly facts: Effect.Effect<Facts, SubstrateLost>
    /** A sealed, idle container. The caller owns it and must destroy it; it dies with the substrate. */
    readonly create: (hostname: string, limits: Limits) => Effect.Effect<Container, SubstrateError>
    /** Those that outlived a former control plane and that nobody has destroyed since; asked once, at the start. */
    readonly kept: Effect.Effect<ReadonlyArray<Kept>, SubstrateLost>
    /** Keeps the driver's processes alive: never ends well. The tree supervises it. */
    readonly run: Effect.Effect<never, SubstrateLost>
  }
>() {}
