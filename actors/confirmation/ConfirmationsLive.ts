/** Confirmations over the log: each challenge a stream, what is open and what was missed from a table, codes in memory. */
import { Duration, Effect, Layer } from "effect"
import type { Confirmation } from "../../src/guards/HumanConfirmed.js"
import type { TrustedClock } from "../../src/guards/TrustedClock.js"
import { EventLog } from "../../src/log/EventLog.js"
import { ConfirmationTable, type OpenChallenge } from "../../src/projections/ConfirmationTable.js"
import { KeyTable } from "../../src/projections/KeyTable.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { Mutex } from "../Mutex.js"
import * as TrustedTime from "../TrustedTime.js"
import { heldOf } from "./Allowance.js"
import * as Asking from "./Asking.js"
import * as Codes from "./Codes.js"
import { ATTEMPTS } from "./Confirmation.js"
import { type Answer, Confirmations, type Pending, type Unknowable, Unweighed } from "./Confirmations.js"
import * as Console from "./Console.js"
import { type Delivery, Undelivered } from "./Delivery.js"
import * as Judging from "./Judging.js"
import * as Mail from "./Mail.js"
import * as Standing from "./Standing.js"
import * as Webhook from "./Webhook.js"
import { inWords } from "./Words.js"

export interface Options {
  /** Where the console's lines go. */
  readonly print: (line: string) => Effect.Effect<void>
  /** Null: there is no mail server. */
  readonly mail: Mail.Options | null
  readonly webhook: { readonly url: string | null; readonly secretFile: string }
}

/** Beside the time that delivery may take. */
const LONGEST = Duration.seconds(3)

const noMail: Delivery = { send: () => new Undelivered({ channel: "email", reason: "no mail server is set" }) }

const pendingOf =
  (codeOf: Console.Console["codeOf"]) =>
  ({ challenge, channel, expiresAt, key, method, misses, path }: OpenChallenge): Pending => ({
    challenge,
    key,
    words: inWords({ method, path }),
    channel,
    code: codeOf(challenge),
    expiresAt,
    attemptsLeft: ATTEMPTS - misses
  })

/** Now, in microseconds since 1970, and whether to believe it. */
const momentOf = ({ last, parted }: TrustedClock) => ({
  now: Math.floor(last.wall * 1_000),
  steady: parted === undefined
})

const make = ({ mail, print, webhook }: Options) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const secrets = yield* Secrets
    const table = yield* ConfirmationTable
    const keys = yield* KeyTable
    const clock = yield* TrustedTime.make
    const terminal = Console.make(print)
    const codes = Codes.make(secrets)
    const email = mail === null ? noMail : Mail.make(mail)
    const deliveries = { console: terminal, email, webhook: Webhook.make(webhook) }
    const ways = { mail: mail !== null, webhook: webhook.url }
    const scope = yield* Effect.scope
    const asking = { log, keys, table, codes, deliveries, ways, standing: Standing.make(), scope }
    const judging = { log, secrets, codes }
    const turns = new Mutex()

    const inTime = <A, E>(work: Effect.Effect<A, E>) =>
      Effect.timeoutFail(work, {
        duration: LONGEST,
        onTimeout: () => new Unweighed({ reason: "nothing came in time" })
      })

    const answered = (base: Confirmation, answer: Answer): Effect.Effect<Confirmation, Unknowable> =>
      Effect.gen(function* () {
        const { action, now } = base
        const held = yield* heldOf(table, action.key, true, now)
        if (held !== undefined) return { ...base, held }
        const verdict = yield* Judging.judge(judging, answer, action, now)
        if (verdict.challenge !== undefined) terminal.forget(verdict.challenge.challenge)
        return { ...base, answer: verdict }
      }).pipe(turns.of(base.action.key), inTime)

    // Who only repeats what is asked already is not held for asking: it asks nothing.
    const question = ({ action, now }: Confirmation) =>
      Effect.gen(function* () {
        const missed = yield* heldOf(table, action.key, true, now)
        if (missed !== undefined) return { held: missed }
        const known = yield* Asking.found(asking, action, now)
        if (known !== undefined) return { put: known }
        const held = yield* heldOf(table, action.key, false, now)
        return held === undefined ? { put: yield* Asking.make(asking, action, now) } : { held }
      }).pipe(turns.of(action.key), inTime)

    // What takes long, the delivery, is not waited for in the key's turn.
    const asked = (base: Confirmation): Effect.Effect<Confirmation, Unknowable> =>
      Effect.gen(function* () {
        const { held, put } = yield* question(base)
        if (put === undefined) return { ...base, held }
        yield* put.delivered
        return { ...base, offered: put.challenge }
      })

    return Confirmations.of({
      weigh: (action, required, answer) =>
        Effect.suspend(() => {
          const mode = required ? "required" : "waived"
          const none = { answer: undefined, offered: undefined, held: undefined }
          const base: Confirmation = { action, mode, ...none, ...momentOf(clock()) }
          // Nothing is used up while it is not certain what time it is.
          if (!required || !base.steady) return Effect.succeed(base)
          return answer === undefined ? asked(base) : answered(base, answer)
        }),
      pending: Effect.suspend(() =>
        Effect.map(table.open(momentOf(clock()).now), (open) => open.map(pendingOf(terminal.codeOf)))
      )
    })
  })

export const layer = (options: Options) => Layer.scoped(Confirmations, make(options))
