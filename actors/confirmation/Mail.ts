/** Codes by e-mail, through the operator's mail server. */
import { Effect, Redacted } from "effect"
import { createTransport } from "nodemailer"
import { type Delivery, inTime, type Message, Undelivered } from "./Delivery.js"
import { isLoopback } from "./Loopback.js"

export interface Options {
  /** `smtps://user:password@host` or `smtp://…`, which must then upgrade to TLS unless it is this host. */
  readonly url: string
  readonly from: string
}

/** Connections to the mail server at one time; the rest waits, within its deadline. */
const AT_ONCE = 4
const STEP_MILLIS = 5_000

const textOf = ({ challenge, code, expiresAt, key, words }: Message): string =>
  [
    `Somebody with the key ${key} asks to ${words}.`,
    "",
    `If that is right, the code is ${Redacted.value(code)}`,
    "",
    `It confirms exactly that, once, until ${new Date(expiresAt / 1000).toISOString()} (${challenge}).`,
    "If you did not expect this, do nothing, and tell whoever runs the server.",
    ""
  ].join("\n")

/** A word such as `EAUTH`; the server's own text may quote what was sent. */
const wordOf = (error: unknown): string => {
  const code = typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined
  return typeof code === "string" ? code : "failed"
}

export const make = ({ from, url }: Options): Delivery => {
  const transport = createTransport({
    url,
    requireTLS: !isLoopback(url),
    connectionTimeout: STEP_MILLIS,
    greetingTimeout: STEP_MILLIS,
    socketTimeout: STEP_MILLIS,
    dnsTimeout: STEP_MILLIS,
    disableFileAccess: true,
    disableUrlAccess: true
  })
  const room = Effect.unsafeMakeSemaphore(AT_ONCE)
  const sending = (to: string, message: Message) =>
    Effect.tryPromise({
      try: (signal) =>
        transport.sendMail({ from, to, subject: `Confirm: ${message.words}`, text: textOf(message), signal }),
      catch: (error) => new Undelivered({ channel: "email", reason: wordOf(error) })
    })
  return {
    send: (to, message) => inTime("email", room.withPermits(1)(Effect.asVoid(sending(to, message))))
  }
}
