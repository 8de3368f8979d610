/** How long the visitor of a frozen service waits for its answer, the thaw included. */
import { Effect } from "effect"
import { server } from "./Servers.js"
import * as Services from "./Services.js"
import { quantile } from "./Times.js"

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

/** Frozen, then visited, again and again; and once by a crowd at the same time. */
export const wakes = Effect.gen(function* () {
  const of = yield* server("4")
  const service = yield* Services.answering(of, bootstrap, { name: "bench", unfreeze_on_demand: true })
  const freeze = Services.order(of, service, "freeze")
  const visit = Services.visit(service.url)
  const once = Effect.zipRight(freeze, visit)
  yield* Effect.replicateEffect(once, 10)
  const waited = yield* Effect.replicateEffect(once, 100)
  const awake = yield* Effect.replicateEffect(visit, 100)
  yield* freeze
  const together = yield* Effect.forEach(Array.from({ length: CROWD }), () => visit, { concurrency: CROWD })
  return {
    wake_p50_ms: quantile(waited, 0.5),
    wake_p99_ms: quantile(waited, 0.99),
    visit_p50_ms: quantile(awake, 0.5),
    wake_crowd_p99_ms: quantile(together, 0.99)
  }
}).pipe(Effect.scoped)
