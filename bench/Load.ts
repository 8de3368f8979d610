/** Requests from autocannon, signed afresh; a signature is good for its second, so it is made once a second. */
import autocannon from "autocannon"
import { Effect } from "effect"
import { type Credentials, headers } from "../src/cli/Client.js"
import { general } from "../src/cli/Failure.js"

export interface Load {
  readonly path: string
  readonly body: string
  readonly connections: number
  readonly amount: number
  /** Part of every right answer. */
  readonly expected: string
}

export interface Loaded {
  readonly rps: number
  /** Share of right answers, in percent. */
  readonly success: number
  readonly p50: number
  readonly p99: number
  readonly seconds: number
  readonly statuses: Readonly<Record<string, number>>
  /** CPU that the generator itself took, as a share of one core. */
  readonly generatorCores: number
}

const signer = (server: Credentials, path: string, body: string) => {
  let second = 0
  let signed: Readonly<Record<string, string>> = {}
  return (request: autocannon.Request): autocannon.Request => {
    const now = Math.floor(Date.now() / 1000)
    if (now !== second) {
      second = now
      signed = { ...headers(server, now, "POST", path, body), "Content-Type": "application/json" }
    }
    return { ...request, headers: { ...signed } }
  }
}

const counted = (result: autocannon.Result): Readonly<Record<string, number>> => ({
  "2xx": result["2xx"],
  "4xx": result["4xx"],
  "5xx": result["5xx"],
  errors: result.errors,
  timeouts: result.timeouts,
  wrong: result.mismatches
})

/** Longer than anything that is measured; what takes longer is a failure and is counted as one. */
const TIMEOUT_SECONDS = 300

/** autocannon notices its own end once a second: the time of the last answer is what counts. */
export const fire = (options: autocannon.Options) =>
  Effect.async<readonly [seconds: number, result: autocannon.Result], Error>((resume) => {
    const begun = performance.now()
    let last = begun
    const running = autocannon(options, (error: unknown, result) =>
      resume(error instanceof Error ? Effect.fail(error) : Effect.succeed([(last - begun) / 1000, result]))
    )
    running.on("response", () => {
      last = performance.now()
    })
    return Effect.sync(() => running.stop())
  })

const signed = (server: Credentials, { amount, body, connections, expected, path }: Load): autocannon.Options => ({
  url: server.url,
  connections: Math.min(connections, amount),
  amount,
  timeout: TIMEOUT_SECONDS,
  verifyBody: (answer) => String(answer).includes(expected),
  requests: [{ method: "POST", path, body, setupRequest: signer(server, path, body) }]
})

export const load = Effect.fnUntraced(function* (server: Credentials, asked: Load) {
  const { amount } = asked
  const cpu = process.cpuUsage()
  const [seconds, result] = yield* Effect.mapError(fire(signed(server, asked)), (error) =>
    general("bench", `the load generator failed: ${error.message}`)
  )
  const { system, user } = process.cpuUsage(cpu)
  const right = Math.max(0, result["2xx"] - result.mismatches)
  const loaded: Loaded = {
    rps: right / seconds,
    success: (100 * right) / amount,
    p50: result.latency.p50,
    p99: result.latency.p99,
    seconds,
    statuses: counted(result),
    generatorCores: (user + system) / 1e6 / seconds
  }
  return loaded
})
