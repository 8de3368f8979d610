/** What was asked lately and went to somebody: who asks for the same again gets the same, and nobody is troubled twice. */
import type { Effect } from "effect"
import { type Action, type Challenge, LIFE_MICROS } from "../../src/guards/HumanConfirmed.js"
import type { Undelivered } from "./Delivery.js"
import type { Route } from "./Route.js"

/** With less to live it is not worth a person's while. */
const LEAST_MICROS = 60_000_000

/** Beyond that the oldest is asked anew. */
const KEPT = 10_000

export interface Question {
  readonly challenge: Challenge
  /** One that went elsewhere than it would now is another question. */
  readonly route: Route
  /** Resolves when somebody has its code. */
  readonly delivered: Effect.Effect<void, Undelivered>
}

export interface Standing {
  /** The one for this action that has time left; whether it is still open is for its history to say. */
  readonly find: (action: Action, route: Route, now: number) => Question | undefined
  readonly keep: (question: Question) => void
  readonly forget: (challenge: Challenge) => void
}

const nameOf = ({ bodyDigest, key, method, path }: Action) => JSON.stringify([key, method, path, bodyDigest])

const alike = (one: Route, other: Route): boolean =>
  one.channel === other.channel && one.holder === other.holder && one.to === other.to

const lasts = ({ expiresAt }: Challenge, now: number): boolean =>
  expiresAt - now >= LEAST_MICROS && expiresAt - now <= LIFE_MICROS

/** In memory: after a restart nobody is shown the codes of before, so those are asked anew. */
export const make = (): Standing => {
  const questions = new Map<string, Question>()
  /** All of them live as long, so they expire in the order in which they came. */
  const tidy = (newest: Challenge): void => {
    for (const [name, { challenge }] of questions) {
      if (questions.size <= KEPT && challenge.expiresAt > newest.expiresAt - LIFE_MICROS) return
      questions.delete(name)
    }
  }
  return {
    find: (action, route, now) => {
      const question = questions.get(nameOf(action))
      return question !== undefined && alike(question.route, route) && lasts(question.challenge, now)
        ? question
        : undefined
    },
    keep: (question) => {
      const name = nameOf(question.challenge.about)
      questions.delete(name)
      questions.set(name, question)
      tidy(question.challenge)
    },
    forget: ({ about, challenge }) => {
      const name = nameOf(about)
      if (questions.get(name)?.challenge.challenge === challenge) questions.delete(name)
    }
  }
}
