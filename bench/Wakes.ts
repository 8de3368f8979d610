/** How long the visitor of a frozen service waits for its answer, the thaw included. */
import { Agent, get } from "node:http"
import { Effect, Schedule, Schema } from "effect"
import * as Client from "../src/cli/Client.js"
import { general } from "../src/cli/Failure.js"
import { server } from "./Servers.js"

const Service = Schema.Struct({ id: Schema.String, url: Schema.String })
const CROWD = 1_000

const bootstrap = `cat > /srv/web.py <<'END'
import http.server
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "3"); self.end_headers(); self.wfile.write(b"hi\\n")
    def log_message(self, *unused): pass
class Patient(http.server.HTTPServer):
    request_queue_size = 1024
Patient(("127.0.0.1", 8000), Hello).serve_forever()
END
exec python3 /srv/web.py`

const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })

/** Milliseconds until the whole answer is there. */
const visit = (url: string) =>
  Effect.async<number, Error>((resume) => {
    const { host, port } = new URL(url)
    const begun = performance.now()
    const one = get({ host: "127.0.0.1", port, agent, headers: { host } }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 200) resume(Effect.succeed(performance.now() - begun))
        else resume(Effect.fail(new Error(`the service answered ${response.statusCode}`)))
      })
    })
    one.on("error", (error) => resume(Effect.fail(error)))
  })

const quantile = (values: ReadonlyArray<number>, of: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * of))] ?? 0

const started = Effect.fnUntraced(function* (of: Client.Credentials) {
  const body = JSON.stringify({ name: "bench", ports: [8000], bootstrap, unfreeze_on_demand: true })
  const made = yield* Client.call(of, { path: "/services", body })
  const { id, url } = yield* Schema.decodeUnknown(Service)(made.body)
  yield* Effect.retry(visit(url), Schedule.spaced("50 millis")).pipe(
    Effect.timeoutFail({ duration: "30 seconds", onTimeout: () => general("bench", "the service did not start") })
  )
  return { id, url }
})

/** Frozen, then visited, again and again; and once by a crowd at the same time. */
export const wakes = Effect.gen(function* () {
  const of = yield* server("4")
  const { id, url } = yield* started(of)
  const freeze = Client.call(of, { path: `/services/${id}/freeze`, body: "{}" })
  const once = Effect.zipRight(freeze, visit(url))
  yield* Effect.replicateEffect(once, 10)
  const waited = yield* Effect.replicateEffect(once, 100)
  const awake = yield* Effect.replicateEffect(visit(url), 100)
  yield* freeze
  const together = yield* Effect.forEach(Array.from({ length: CROWD }), () => visit(url), { concurrency: CROWD })
  return {
    wake_p50_ms: quantile(waited, 0.5),
    wake_p99_ms: quantile(waited, 0.99),
    visit_p50_ms: quantile(awake, 0.5),
    wake_crowd_p99_ms: quantile(together, 0.99)
  }
}).pipe(Effect.scoped)
