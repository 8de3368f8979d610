/** The server's console as a way to its operator: a line for people, and the codes for `unsandbox otp`. */
import { Effect, Redacted } from "effect"
import { LIFE_MICROS } from "../../src/guards/HumanConfirmed.js"
import type { Delivery, Message } from "./Delivery.js"

/** Codes in memory, never written; beyond that the oldest can no longer be shown. */
const KEPT = 1_000

export interface Console extends Delivery {
  readonly codeOf: (challenge: string) => string | null
  readonly forget: (challenge: string) => void
}

const lineOf = ({ challenge, code, key, words }: Message): string =>
  `Confirmation asked: ${key} would ${words}. Code ${Redacted.value(code)} for ${challenge}`

/** All of them live as long, so they expire in the order in which they came. */
const tidy = (codes: Map<string, Message>, { expiresAt }: Message): void => {
  for (const [challenge, old] of codes) {
    if (codes.size <= KEPT && old.expiresAt > expiresAt - LIFE_MICROS) return
    codes.delete(challenge)
  }
}

export const make = (print: (line: string) => Effect.Effect<void>): Console => {
  const codes = new Map<string, Message>()
  return {
    send: (_, message) =>
      Effect.suspend(() => {
        codes.set(message.challenge, message)
        tidy(codes, message)
        return print(lineOf(message))
      }),
    codeOf: (challenge) => {
      const message = codes.get(challenge)
      return message === undefined ? null : Redacted.value(message.code)
    },
    forget: (challenge) => void codes.delete(challenge)
  }
}
