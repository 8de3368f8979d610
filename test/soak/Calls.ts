/** Asks the server that there is now, and knows which answers a fault excuses. */
import { setTimeout as sleep } from "node:timers/promises"
import { type Answer, request } from "../support/client.js"
import type { Server } from "../support/server.js"
import type { Tally } from "./Tally.js"
import type { Tenant } from "./World.js"

/** No answer takes longer than the longest wait of the contract (15 minutes are nobody's here). */
const ANSWERED_WITHIN = 90_000
/** After a fault the tree restarts what was hit, with its pauses; refusals of that time are excused. */
const AFTERMATH = 8_000

/** A signature tells the second. */
const SIGNED_ALIKE = 1_500

export interface Told {
  /** Undefined: the connection ended without one. */
  readonly answer: Answer | undefined
  /** Something was being broken meanwhile, or shortly before. */
  readonly disturbed: boolean
  /** The same was asked within the same second: it is signed alike. */
  readonly repeated: boolean
}

/** When something was broken. */
export class Troubles {
  private active = 0
  private last = Number.NEGATIVE_INFINITY

  async during<A>(broken: () => Promise<A>): Promise<A> {
    this.active += 1
    try {
      return await broken()
    } finally {
      this.active -= 1
      this.last = performance.now()
    }
  }

  since(start: number): boolean {
    return this.active > 0 || this.last + AFTERMATH > start
  }
}

const late = (): Promise<"late"> =>
  new Promise((resolve) => setTimeout(resolve, ANSWERED_WITHIN, "late" as const).unref())

export class Calls {
  /** The one that runs now; undefined while there is none. */
  server: Server | undefined
  private readonly signed = new Map<string, number>()

  constructor(
    readonly tally: Tally,
    readonly troubles: Troubles
  ) {}

  async up(): Promise<Server> {
    while (this.server === undefined) await sleep(50)
    return this.server
  }

  private repeats(words: string): boolean {
    const now = performance.now()
    for (const [asked, at] of this.signed) if (now - at > SIGNED_ALIKE) this.signed.delete(asked)
    const before = this.signed.has(words)
    this.signed.set(words, now)
    return before
  }

  async ask(tenant: Tenant, method: string, path: string, body?: object): Promise<Told> {
    const { url } = await this.up()
    const start = performance.now()
    const repeated = this.repeats(`${tenant.publicKey} ${method} ${path} ${JSON.stringify(body)}`)
    const asked = request({ ...tenant, url }, method, path, body === undefined ? {} : { body }).catch(() => undefined)
    const answer = await Promise.race([asked, late()])
    const disturbed = this.troubles.since(start)
    if (answer === "late") this.tally.violated(`${method} ${path}: no answer within ${ANSWERED_WITHIN} ms`)
    if (answer === undefined && !disturbed) this.tally.violated(`${method} ${path}: the connection ended unanswered`)
    if (answer === "late" || answer === undefined) return { answer: undefined, disturbed, repeated }
    if (answer.status >= 400) this.tally.refused(`${answer.status} ${String(answer.json.error)}`)
    if (answer.status === 500) this.tally.violated(`${method} ${path}: ${answer.text}`)
    return { answer, disturbed, repeated }
  }

  /** A question that can be asked again until there is an answer. */
  async look(tenant: Tenant, path: string): Promise<Answer> {
    for (const deadline = performance.now() + ANSWERED_WITHIN; ; ) {
      const { answer } = await this.ask(tenant, "GET", path)
      const suspended = tenant.suspended && answer?.status === 403
      const busy = answer === undefined || answer.status >= 500 || answer.status === 429 || suspended
      if (answer !== undefined && (!busy || performance.now() > deadline)) return answer
      if (performance.now() > deadline) throw new Error(`GET ${path}: unanswered for ${ANSWERED_WITHIN} ms`)
      await sleep(200)
    }
  }
}
