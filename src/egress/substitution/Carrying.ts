/** A rewritten request on its connection to the host, and the answer back; or another protocol in its place. */
import { type ClientRequest, type IncomingMessage, request as open, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect } from "effect"
import * as Answering from "../Answering.js"
import * as Closing from "../Closing.js"
import { Once } from "../Hops.js"
import * as Joining from "../Joining.js"
import { BadTarget } from "../Target.js"
import * as Head from "./Head.js"
import type { Outgoing } from "./Outgoing.js"
import * as Replying from "./Replying.js"

const brokeOff = { status: 502, text: "the host broke off" }

/** What one parser let through may still be nothing that can be written. */
const begin = ({ head, method, path }: Outgoing, upstream: Socket) =>
  Effect.try({
    try: (): ClientRequest => open({ method, path, headers: head, agent: new Once(upstream), setHost: false }),
    catch: () => new BadTarget({ status: 400, reason: "this request cannot be sent on as it is written" })
  })

/** Resolves when the answer has left, or either side has. */
export const carry = (out: Outgoing, upstream: Socket, request: IncomingMessage, response: ServerResponse) =>
  Effect.gen(function* () {
    if (response.destroyed) return
    upstream.setTimeout(Joining.SILENCE_MILLIS, () => upstream.destroy())
    const sent = yield* begin(out, upstream)
    const broken = () => {
      if (!response.headersSent) Answering.answer(response, brokeOff)
    }
    sent.on("error", broken).on("close", broken)
    sent.on("response", (given) => Replying.reply(given, out.scrubbing, response))
    sent.write(out.body.bytes)
    if (out.body.whole) sent.end()
    else request.pipe(sent)
    yield* Effect.ensuring(
      Closing.closedOrCut(response),
      Effect.sync(() => sent.destroy())
    )
  })

/** The first bytes of the other protocol. Undefined: the host stays with HTTP, and its answer is on the way. */
const turned = (out: Outgoing, sent: ClientRequest, request: IncomingMessage, client: Socket) =>
  Effect.async<Buffer | undefined>((resume) => {
    let settled = false
    client.once("close", () => resume(Effect.succeed(undefined)))
    const answered = (say: (response: ServerResponse) => void) => {
      if (settled) return
      settled = true
      const response = new ServerResponse(request)
      response.assignSocket(client)
      response.once("close", () => client.end())
      response.once("finish", () => client.end())
      say(response)
      resume(Effect.succeed(undefined))
    }
    const broken = () => answered((response) => Answering.answer(response, brokeOff))
    sent.on("error", broken).on("close", broken)
    sent.once("response", (given) => answered((response) => Replying.reply(given, out.scrubbing, response)))
    sent.once("upgrade", (given, _, first) => {
      settled = true
      client.write(Head.switching(given, out.scrubbing), "latin1")
      resume(Effect.succeed(first))
    })
    sent.end()
  })

/** Resolves when both are closed. The other protocol is not looked into: its frames have lengths of their own. */
export const upgrade = (out: Outgoing, upstream: Socket, request: IncomingMessage, client: Socket, head: Buffer) =>
  Effect.gen(function* () {
    upstream.setTimeout(Joining.SILENCE_MILLIS, () => upstream.destroy())
    const sent = yield* begin(out, upstream)
    const first = yield* Effect.onInterrupt(turned(out, sent, request, client), () => Effect.sync(() => sent.destroy()))
    if (first === undefined) return yield* Closing.closedOrCut(client)
    if (head.length > 0) client.unshift(head)
    if (first.length > 0) upstream.unshift(first)
    yield* Joining.join(client, upstream)
  })
