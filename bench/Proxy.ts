/** How much of a small server's speed its visitors get through the proxy: the same program, asked both ways in turn. */
import { spawn } from "node:child_process"
import { Effect } from "effect"
import { general } from "../src/cli/Failure.js"
import { baseEnv } from "../src/languages/Plan.js"
import { fire } from "./Load.js"
import { server } from "./Servers.js"
import * as Services from "./Services.js"
import { median } from "./Times.js"

const CONNECTIONS = 10
const ROUNDS = 3
const ANSWER = "hi\n"

/** Listens on the loopback interface of whoever runs it, and says on which port. */
const program = `const one = require("node:http").createServer((_, answer) => answer.end("hi\\n"))
one.listen(Number(process.env.BENCH_PORT), "127.0.0.1", () => console.log(one.address().port))`

const bootstrap = `cat > /srv/web.cjs <<'END'
${program}
END
BENCH_PORT=8000 exec node /srv/web.cjs`

const launched = Effect.acquireRelease(
  Effect.sync(() =>
    spawn("node", ["--eval", program], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...baseEnv, BENCH_PORT: "0" }
    })
  ),
  (child) => Effect.sync(() => child.kill("SIGKILL"))
)

/** Its address, once it listens. */
const direct = Effect.flatMap(launched, (child) =>
  Effect.async<string, Error>((resume) => {
    child.once("error", (error) => resume(Effect.fail(error)))
    child.once("exit", () => resume(Effect.fail(new Error("the direct server ended"))))
    child.stdout.once("data", (port: Buffer) => resume(Effect.succeed(`http://127.0.0.1:${Number(port)}`)))
  })
).pipe(Effect.timeout("10 seconds"))

/** Right answers a second; a wrong one spoils the figure, so it fails the run. */
const rps = Effect.fnUntraced(function* (url: string, amount: number) {
  const { host, port } = new URL(url)
  const [seconds, result] = yield* fire({
    url: `http://127.0.0.1:${port}`,
    connections: CONNECTIONS,
    amount,
    headers: { host },
    verifyBody: (answer) => String(answer) === ANSWER
  })
  const wrong = result.non2xx + result.errors + result.mismatches
  if (wrong > 0) return yield* general("bench", `${wrong} of ${amount} answers of ${url} were not right`)
  return amount / seconds
})

/** Requests a second by kept connections, through the proxy and past it; each round asks the one, then the other. */
export const proxied = Effect.fnUntraced(function* (amount: number) {
  const of = yield* server("4")
  const past = yield* direct
  const { url } = yield* Services.answering(of, bootstrap)
  const both = Effect.all({ through: rps(url, amount), past: rps(past, 2 * amount) })
  // The code of both servers is warm after it.
  yield* both
  const rounds = yield* Effect.replicateEffect(both, ROUNDS)
  return {
    proxy_rps: median(rounds.map(({ through }) => through)),
    proxy_direct_rps: median(rounds.map(({ past }) => past)),
    proxy_ratio: median(rounds.map(({ past, through }) => through / past))
  }
}, Effect.scoped)
