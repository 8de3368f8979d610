/** The running server's desk for confirmations: codes are in its memory alone, so without it there is nothing to show. */
import { Effect } from "effect"
import * as ControlClient from "../../../rpc/ControlClient.js"
import type { OtpDesk } from "../../../rpc/OtpDesk.js"
import { general } from "../../Failure.js"
import { settings } from "../../Options.js"

export const desk = Effect.fnUntraced(function* (given: Parameters<typeof settings>[0]) {
  const { data } = yield* settings(given)
  if (!(yield* ControlClient.running(data)))
    return yield* general("not_running", `no server runs on ${data}; start one with \`unsandbox serve\``)
  const client = yield* ControlClient.make(data)
  return client.otp satisfies OtpDesk
})
