/** A command that runs beside a session's shell: what it writes is collected, and it is ended when its time is over. */
import { Effect, Option, Stream } from "effect"
import type { Container, Exited } from "../../src/substrate/Substrate.js"
import * as Monotonic from "../Monotonic.js"
import * as Programs from "./Programs.js"
import type { Executed } from "./Sessions.js"
import * as Shell from "./Shell.js"

interface Collected {
  readonly stdout: Array<Uint8Array>
  readonly stderr: Array<Uint8Array>
}

const executed = (
  { stderr, stdout }: Collected,
  exited: Option.Option<Exited>,
  wallMillis: number,
  outputCap: number
): Executed => {
  const texts = { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr), wallMillis }
  if (Option.isNone(exited) || exited.value.how === "timed-out" || exited.value.how === "gone") {
    const [stdoutTruncated, stderrTruncated] = [texts.stdout.length >= outputCap, texts.stderr.length >= outputCap]
    return { ...texts, how: "timed-out", exitCode: 124, stdoutTruncated, stderrTruncated }
  }
  const { how, stderrTruncated, stdoutTruncated } = exited.value
  return { ...texts, how, exitCode: Programs.status(exited.value), stdoutTruncated, stderrTruncated }
}

/** What it wrote before it was ended is kept, too. */
export const run = (container: Container, shell: Shell.Shell, line: string, timeoutMillis: number, outputCap: number) =>
  Effect.gen(function* () {
    const from = yield* Monotonic.millis
    const collected: Collected = { stdout: [], stderr: [] }
    const whole = Effect.scoped(
      Effect.gen(function* () {
        const process = yield* Programs.begin(container)(Shell.beside(line, shell, outputCap), { stdin: false })
        yield* Stream.runForEach(process.output, ({ bytes, stream }) =>
          Effect.sync(() => collected[stream].push(bytes))
        )
        return yield* process.exited
      })
    )
    const exited = yield* Effect.timeoutOption(whole, timeoutMillis)
    return executed(collected, exited, (yield* Monotonic.millis) - from, outputCap)
  })
