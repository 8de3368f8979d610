/** What an operator does to a running server, without starting a program for each of it. */
import { Effect } from "effect"
import type { Confirm } from "../../events/Grants.js"
import { PublicKey } from "../../events/Ids.js"
import * as ControlClient from "../../src/rpc/ControlClient.js"
import type { Target } from "./client.js"
import type { Server } from "./server.js"

type Client = Effect.Effect.Success<ReturnType<typeof ControlClient.make>>

export interface Operator {
  readonly key: (order?: { readonly confirm?: Confirm; readonly parent?: Target }) => Promise<Target>
  readonly confirm: (key: Target, confirm: Confirm) => Promise<void>
  /** By a day from now. */
  readonly extend: (key: Target) => Promise<void>
  /** The code that somebody waits for; undefined when nobody does. */
  readonly code: (challenge: string) => Promise<string | undefined>
  /** Changes the server's own lists of where containers may go. */
  readonly allow: (...rules: ReadonlyArray<string>) => Promise<void>
}

const DAY = 86_400_000

export const operator = ({ data, url }: Pick<Server, "data" | "url">): Operator => {
  const ask = <A, E>(call: (client: Client) => Effect.Effect<A, E>): Promise<A> =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(ControlClient.make(data), call)))
  return {
    key: async ({ confirm = "off", parent } = {}) => {
      const above = parent === undefined ? null : PublicKey.make(parent.publicKey)
      const order = { label: "", expiresAt: null, parent: above, grants: {}, confirm }
      return { url, ...(await ask(({ keys }) => keys.create(order))) }
    },
    confirm: (key, confirm) => ask(({ keys }) => keys.confirm(PublicKey.make(key.publicKey), confirm)),
    extend: (key) => ask(({ keys }) => keys.extend(PublicKey.make(key.publicKey), (Date.now() + DAY) * 1_000)),
    code: async (challenge) => {
      const waiting = await ask(({ otp }) => otp.pending)
      return waiting.find((one) => one.challenge === challenge)?.code ?? undefined
    },
    allow: async (...rules) => void (await ask(({ egress }) => egress.change({ key: null, verb: "allow", rules })))
  }
}
