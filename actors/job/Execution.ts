/** One program run in one container, and the files that it left. */
import { Effect, Option } from "effect"
import type { Termination } from "../../events/Job.js"
import { inputDirectory, type Plan } from "../../src/languages/Plan.js"
import type { File, Ran, SubstrateError } from "../../src/substrate/Substrate.js"
import type { Claimed } from "../pool/Pools.js"

/** What a job gives back at most beside its output. */
const ARTIFACTS = { files: 64, bytes: 8 * 1024 * 1024 }
const utf8 = new TextEncoder()

export interface Task {
  readonly plan: Plan
  readonly stdin: string | undefined
  readonly inputs: ReadonlyArray<{ readonly name: string; readonly content: Uint8Array }>
  readonly ttlMillis: number
  readonly outputCap: number
  readonly wantsArtifacts: boolean
}

export interface Result {
  readonly ran: Ran
  readonly files: ReadonlyArray<{ readonly path: string; readonly content: Uint8Array }>
}

const filesOf = ({ inputs, plan }: Task): ReadonlyArray<File> => {
  if (inputs.length === 0) return plan.files
  const taken = (path: string) => plan.files.some((file) => path === file.path || path.startsWith(`${file.path}/`))
  const files: Array<File> = [...plan.files]
  for (const { content, name } of inputs) {
    files.push({ path: `${inputDirectory}/${name}`, mode: 0o644, content })
    // Clients look for their files in the working directory too; the program itself is never overwritten.
    const beside = `${plan.cwd}/${name}`
    if (!taken(beside)) files.push({ path: beside, mode: 0o644, content })
  }
  return files
}

/** The claim is the proof that the container is sealed, and that the log knows whose it is now. */
export const execute = ({ container }: Claimed, task: Task): Effect.Effect<Result, SubstrateError> =>
  Effect.gen(function* () {
    const { inputs, outputCap, plan, stdin, ttlMillis, wantsArtifacts } = task
    const [step] = plan.steps
    const ran = yield* container.run({
      argv: step.argv,
      env: step.env,
      cwd: plan.cwd,
      files: filesOf(task),
      ...(stdin === undefined ? {} : { stdin: utf8.encode(stdin) }),
      timeoutMillis: ttlMillis,
      outputCap,
      final: !wantsArtifacts
    })
    if (!wantsArtifacts || ran.how !== "exited") return { ran, files: [] }
    const exclude = [...plan.discard, ...inputs.map(({ name }) => name)]
    // A program may have taken its own directory away: how it ended is known all the same.
    const found = yield* Effect.option(container.collect(plan.cwd, { ...ARTIFACTS, exclude }))
    return { ran, files: Option.isSome(found) ? found.value.files : [] }
  })

interface Verdict {
  readonly status: "completed" | "failed" | "timeout"
  readonly cause: Termination
  readonly exitCode: number
  readonly signal: number | null
  readonly reason: string | null
}

const memory = "out of memory"

/** As `timeout(1)` and shells count: 124 for a deadline, 128 + n for a signal. */
export const verdict = (ran: Ran, ttlMillis: number): Verdict => {
  const failed = (cause: Termination, exitCode: number, signal: number | null, reason: string | null): Verdict => ({
    status: "failed",
    cause,
    exitCode,
    signal,
    reason
  })
  switch (ran.how) {
    case "timed-out": {
      const reason = `still running after its ttl of ${ttlMillis / 1000} s`
      return { status: "timeout", cause: "ttl", exitCode: 124, signal: 9, reason }
    }
    case "gone":
      return ran.oom ? failed("oom", 137, 9, memory) : failed("killed", 137, 9, "its container ended meanwhile")
    case "signalled":
      return ran.oom && ran.code === 9
        ? failed("oom", 137, 9, memory)
        : failed("killed", 128 + ran.code, ran.code, `ended by signal ${ran.code}`)
    case "exited":
      if (ran.code === 0) return { status: "completed", cause: "completed", exitCode: 0, signal: null, reason: null }
      return ran.oom ? failed("oom", ran.code, null, memory) : failed("exit", ran.code, null, null)
  }
}
