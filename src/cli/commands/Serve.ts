/** `unsandbox serve`: the server, in the foreground, until it is told to stop. */
import { Command } from "@effect/cli"
import { Effect, Layer, Option } from "effect"
import { Keys } from "../../../actors/key/Keys.js"
import * as ControlServer from "../../rpc/ControlServer.js"
import { OPERATOR } from "../../rpc/Operator.js"
import { Application, Running } from "../Application.js"
import { everything, json, settings } from "../Options.js"
import * as Output from "../Output.js"
import type { Settings } from "../Settings.js"

interface Pair {
  readonly publicKey: string
  readonly secretKey: string
  readonly fresh: boolean
}

const DEFAULT = "default"

/** The first start makes a pair; later ones tell the pair that can still be used, and never make another unasked. */
const pair: Effect.Effect<Option.Option<Pair>, unknown, Keys> = Effect.gen(function* () {
  const keys = yield* Keys
  const all = yield* keys.list
  if (all.length === 0) return Option.some({ ...(yield* keys.create({ label: DEFAULT }, OPERATOR)), fresh: true })
  // A child's secret is told to whoever asked for the child, or to the service that holds it.
  const usable = all.filter((key) => key.status === "active" && key.expiresAt === null && key.parent === null)
  const chosen = usable.find((key) => key.label === DEFAULT) ?? usable[0]
  if (chosen === undefined) return Option.none()
  const secret = yield* keys.secretOf(chosen.key)
  return Option.map(secret, (secretKey) => ({ publicKey: chosen.key, secretKey, fresh: false }))
})

/** To be pasted into a shell: it signs the request with openssl and sends it. */
export const curl = (url: string, publicKey: string, secretKey: string): string =>
  [
    `PK=${publicKey} SK=${secretKey} TS=$(date +%s) BODY='{"language":"bash","code":"echo $((6*7))"}'; `,
    `curl -sS ${url}/execute -H "Authorization: Bearer $PK" -H "X-Timestamp: $TS" `,
    `-H "X-Signature: $(printf %s "$TS:POST:/execute:$BODY" | openssl dgst -sha256 -hmac "$SK" -r | cut -d' ' -f1)" `,
    `-H 'Content-Type: application/json' -d "$BODY"`
  ].join("")

const announce = (url: string, known: Option.Option<Pair>): string => {
  if (Option.isNone(known)) return `Listening on ${url}\nNo usable key: make one with \`unsandbox keys create\``
  const { fresh, publicKey, secretKey } = known.value
  if (!fresh) return `Listening on ${url}\npublic key  ${publicKey}`
  return [
    `Listening on ${url}`,
    `public key  ${publicKey}`,
    `secret key  ${secretKey}`,
    "\nTry it:\n",
    curl(url, publicKey, secretKey),
    ""
  ].join("\n")
}

const ready = Effect.fnUntraced(function* (asJson: boolean) {
  const { gaveUp, url } = yield* Running
  const known = yield* pair
  const keys = Option.match(known, {
    onNone: () => ({}),
    onSome: ({ publicKey, secretKey }) => ({ public_key: publicKey, secret_key: secretKey })
  })
  yield* asJson ? Output.json({ listening: url, ...keys }) : Output.line(announce(url, known))
  return yield* gaveUp
})

const LAST_RESORT = 45_000

/** Everything in the tree has its own deadline for stopping; should one be ignored, the process still ends. */
const lastResort = Effect.sync(() => {
  setTimeout(() => process.exit(1), LAST_RESORT).unref()
})

const whole = (chosen: Settings) =>
  Effect.map(Application, ({ layer }) => ControlServer.layer(chosen.data).pipe(Layer.provideMerge(layer(chosen))))

export const serve = Command.make("serve", { chosen: everything, json }, (given) =>
  Effect.gen(function* () {
    const layer = yield* whole(yield* settings(given.chosen))
    yield* ready(given.json).pipe(
      Effect.onInterrupt(() => lastResort),
      Effect.provide(layer)
    )
  })
).pipe(Command.withDescription("Run the server"))
