/** Verifies: a code reaches its person by mail or webhook, signed and in time, or nothing is asked at all. */
import { createHmac } from "node:crypto"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Server } from "node:net"
import { createServer as createTcpServer } from "node:net"
import { Effect, type Scope } from "effect"
import { SMTPServer } from "smtp-server"
import { describe, expect } from "vitest"
import { stream } from "../../../events/Envelope.js"
import { live } from "../../support/it.js"
import { directory } from "../../support/storage.js"
import { action, challenged, type Given, living, owner, refused, stranger, type World } from "./world.js"

const listening = <S extends Pick<Server, "listen" | "close" | "address" | "once">>(server: S, more = () => {}) =>
  Effect.acquireRelease(
    Effect.async<number>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed((server.address() as AddressInfo).port)))
    }),
    () =>
      Effect.async<void>((resume) => {
        more()
        server.close(() => resume(Effect.void))
      })
  )

interface Call {
  readonly headers: IncomingMessage["headers"]
  readonly method: string
  readonly body: string
}

type Handler = (call: Call, response: ServerResponse) => void

/** A program that receives codes. */
const receiver = (handle: Handler) =>
  Effect.gen(function* () {
    const calls: Array<Call> = []
    const server = createServer((request, response) => {
      let body = ""
      request.on("data", (chunk) => {
        body += String(chunk)
      })
      request.on("end", () => {
        const call = { headers: request.headers, method: request.method ?? "", body }
        calls.push(call)
        handle(call, response)
      })
    })
    const port = yield* listening(server, () => server.closeAllConnections())
    return { calls, url: `http://127.0.0.1:${port}/codes` }
  })

const world = <A, E>(given: Omit<Given, "data">, body: (world: World, data: string) => Effect.Effect<A, E>) =>
  Effect.flatMap(directory, (data) => living({ ...given, data }, (here) => body(here, data)))

/** Nobody has a code, and no challenge waits for one. */
const expectUnasked = (here: World, note = "facts: Undelivered") =>
  Effect.gen(function* () {
    expect(yield* refused(here, {})).toMatchObject({ code: "uncertain", uncertain: true, status: 503, note })
    expect(yield* here.confirmations.pending).toEqual([])
    const voided = (yield* here.log.page(0, 1_000)).findLast(({ type }) => type === "ConfirmationVoided")
    expect(voided?.data).toMatchObject({ cause: "undelivered" })
    expect(here.lines).toEqual([])
  })

describe("a webhook", () => {
  const hooked = (
    handle: Handler,
    body: (world: World, calls: ReadonlyArray<Call>, data: string) => Effect.Effect<unknown, unknown>
  ) =>
    Effect.flatMap(receiver(handle), ({ calls, url }) =>
      world({}, (here, data) =>
        Effect.zipRight(here.contacts.change(owner, { email: null, webhook: url }, "operator"), body(here, calls, data))
      )
    )
  const status =
    (code: number, headers = {}): Handler =>
    (_, response) =>
      response.writeHead(code, headers).end("never mind")

  live("receives the code, signed with the secret of the file, and the code confirms", () =>
    hooked(status(204), (here, calls, data) =>
      Effect.gen(function* () {
        const { challenge, code, details } = yield* challenged(here)
        expect([details?.channel, code]).toEqual(["webhook", ""])
        const [call] = calls
        const { headers, method, body } = call ?? { headers: {}, method: "", body: "" }
        const told: Readonly<Record<string, string>> = JSON.parse(body)
        expect(told).toMatchObject({
          type: "confirmation_required",
          challenge_id: challenge,
          public_key: owner,
          action: "destroy service unsb-service-0000000000000001",
          code: expect.stringMatching(/^[0-9]{8}$/)
        })
        const secretFile = `${data}/otp-webhook.secret`
        expect(statSync(secretFile).mode & 0o777).toBe(0o600)
        const timestamp = String(headers["x-unsandbox-timestamp"])
        expect(Math.abs(Number(timestamp) - Math.floor(Date.now() / 1000))).toBeLessThan(10)
        const expected = createHmac("sha256", readFileSync(secretFile, "utf8").trim())
          .update(`${timestamp}:${body}`)
          .digest("hex")
        expect([method, headers["x-unsandbox-signature"], headers["content-type"]]).toEqual([
          "POST",
          expected,
          "application/json"
        ])
        expect((yield* here.confirm({ answer: { challenge, code: told.code ?? "" } })).facts.channel).toBe("webhook")
        expect(calls).toHaveLength(1)
        // Elsewhere than where it was sent, the code is with nobody, not even the operator.
        expect(here.lines).toEqual([])
      })
    )
  )

  for (const code of [400, 404, 500, 503, 302, 304])
    live(`that answers ${code} has not taken the code over`, () => hooked(status(code), (here) => expectUnasked(here)))

  live("that redirects is not followed", () =>
    Effect.gen(function* () {
      const elsewhere = yield* receiver(status(200))
      for (const code of [301, 302, 303, 307, 308])
        yield* hooked(status(code, { location: elsewhere.url }), (here) => expectUnasked(here))
      expect(elsewhere.calls).toEqual([])
    })
  )

  live(
    "that is slow is not waited for for ever, and keeps nobody else waiting",
    () =>
      hooked(
        () => {},
        (here) =>
          Effect.gen(function* () {
            const began = performance.now()
            const slow = yield* Effect.fork(refused(here, {}))
            expect((yield* challenged(here, { ...action, key: stranger })).details).toMatchObject({
              channel: "console"
            })
            // The slow one's own key neither: its answers, and what needs no person.
            const answer = { challenge: "x", code: "y" }
            expect((yield* refused(here, { answer })).code).toBe("unknown_challenge")
            expect((yield* here.confirm({ required: false })).facts.mode).toBe("waived")
            expect(performance.now() - began).toBeLessThan(3_000)
            expect(yield* slow.await).toMatchObject({ value: { uncertain: true, note: "facts: Undelivered" } })
            expect(performance.now() - began).toBeLessThan(13_000)
          })
      ),
    20_000
  )

  live("that hangs up, or is not there, has not taken it over", () =>
    Effect.gen(function* () {
      yield* hooked(
        (_, response) => response.destroy(),
        (here) => expectUnasked(here)
      )
      yield* Effect.flatMap(directory, (data) =>
        living({ data, options: { webhook: { url: "http://127.0.0.1:9/", secretFile: `${data}/hook` } } }, (here) =>
          expectUnasked(here)
        )
      )
    })
  )

  live("is not called with a secret that others can read", () =>
    hooked(status(200), (here, calls, data) =>
      Effect.gen(function* () {
        writeFileSync(`${data}/otp-webhook.secret`, "known to all", { mode: 0o644 })
        const { chmodSync } = yield* Effect.promise(() => import("node:fs"))
        chmodSync(`${data}/otp-webhook.secret`, 0o644)
        yield* expectUnasked(here)
        expect(calls).toEqual([])
      })
    )
  )

  live("of the server's takes the codes of keys that have no contact", () =>
    Effect.flatMap(receiver(status(200)), ({ calls, url }) =>
      Effect.flatMap(directory, (data) =>
        living({ data, options: { webhook: { url, secretFile: `${data}/elsewhere.secret` } } }, (here) =>
          Effect.gen(function* () {
            expect((yield* challenged(here)).details).toMatchObject({ channel: "webhook" })
            expect(calls).toHaveLength(1)
          })
        )
      )
    )
  )

  for (const url of ["http://example.com/", "ftp://example.com/", "nothing"])
    live(`is not ${url}`, () =>
      world({}, (here) =>
        Effect.map(Effect.flip(here.contacts.change(owner, { email: null, webhook: url }, "operator")), (error) =>
          expect(error).toMatchObject({ _tag: "ContactRefused", message: expect.stringContaining("https://") })
        )
      )
    )
})

interface Mail {
  readonly from: string
  readonly to: ReadonlyArray<string>
  readonly text: string
}

/** A real mail server. */
const mailServer = (options: ConstructorParameters<typeof SMTPServer>[0] = {}) =>
  Effect.gen(function* () {
    const mails: Array<Mail> = []
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      onData: (data, session, done) => {
        let text = ""
        data.on("data", (chunk) => {
          text += String(chunk)
        })
        data.on("end", () => {
          const { mailFrom, rcptTo } = session.envelope
          mails.push({
            from: mailFrom === false ? "" : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            text
          })
          done()
        })
      },
      ...options
    })
    server.on("error", () => {})
    const port = yield* listening(server.server)
    return { mails, url: `smtp://127.0.0.1:${port}` }
  })

describe("a mail", () => {
  const mailed = (
    server: Effect.Effect<{ readonly url: string; readonly mails: ReadonlyArray<Mail> }, never, Scope.Scope>,
    body: (world: World, mails: ReadonlyArray<Mail>) => Effect.Effect<unknown, unknown>
  ) =>
    Effect.flatMap(server, ({ mails, url }) =>
      world({ options: { mail: { url, from: "unsandbox@example.com" } } }, (here) =>
        Effect.zipRight(
          here.contacts.change(owner, { email: "me@example.com", webhook: null }, "operator"),
          body(here, mails)
        )
      )
    )

  live("brings the code and what it would do, and the code confirms", () =>
    mailed(mailServer(), (here, mails) =>
      Effect.gen(function* () {
        const { challenge, details } = yield* challenged(here)
        expect(details?.channel).toBe("email")
        expect(mails).toMatchObject([{ from: "unsandbox@example.com", to: ["me@example.com"] }])
        const text = mails[0]?.text.replaceAll("=\r\n", "") ?? ""
        expect(text).toMatch(/^Subject: Confirm: destroy service unsb-service-0000000000000001\r$/m)
        expect(text).toContain(challenge)
        const [, code = ""] = /the code is ([0-9]{8})/.exec(text) ?? []
        expect(text.split("\r\n\r\n")[0]).not.toContain(code)
        expect((yield* here.confirm({ answer: { challenge, code } })).facts.channel).toBe("email")
        expect(here.lines).toEqual([])
      })
    )
  )

  live("of a request whose path holds line breaks has no header of its making", () =>
    mailed(mailServer(), (here, mails) =>
      Effect.gen(function* () {
        yield* challenged(here, { ...action, path: "/x\r\nBcc: thief@example.com\r\n\r\nThe code" })
        expect(mails[0]?.to).toEqual(["me@example.com"])
        expect(mails[0]?.text).not.toMatch(/^Bcc:/m)
      })
    )
  )

  live("goes to a server that asks for a password", () => {
    const seen: Array<string> = []
    const guarded = Effect.map(
      mailServer({
        authOptional: false,
        onAuth: ({ password, username }, _, done) => {
          seen.push(`${username}/${password}`)
          done(null, { user: username })
        }
      }),
      (server) => ({ ...server, url: server.url.replace("//", "//me:p%40ss@") })
    )
    return mailed(guarded, (here, mails) =>
      Effect.gen(function* () {
        yield* challenged(here)
        expect([seen, mails.length]).toEqual([["me/p@ss"], 1])
      })
    )
  })

  live("that the server does not take is no question", () =>
    mailed(
      mailServer({ onRcptTo: (_, __, done) => done(new Error("no such mailbox: a secret of theirs")) }),
      (here, mails) =>
        Effect.gen(function* () {
          yield* expectUnasked(here)
          expect(mails).toEqual([])
        })
    )
  )

  live("that cannot be sent is no question: the server is gone", () =>
    mailed(Effect.succeed({ url: "smtp://127.0.0.1:9", mails: [] }), (here) => expectUnasked(here))
  )

  live(
    "that a server never answers for is not waited for for ever",
    () =>
      Effect.gen(function* () {
        const sockets = new Set<{ readonly destroy: () => void; readonly destroyed: boolean }>()
        const silent = createTcpServer((socket) => void sockets.add(socket.on("error", () => {})))
        const port = yield* listening(silent, () => {
          for (const socket of sockets) socket.destroy()
        })
        const began = performance.now()
        yield* mailed(Effect.succeed({ url: `smtp://127.0.0.1:${port}`, mails: [] }), (here) => expectUnasked(here))
        expect(performance.now() - began).toBeLessThan(12_000)
        expect(sockets.size).toBe(1)
      }),
    20_000
  )

  live("goes nowhere in the clear but to this host", () =>
    Effect.flatMap(mailServer(), ({ mails, url }) =>
      world({ options: { mail: { url: url.replace("127.0.0.1", "0.0.0.0"), from: "u@example.com" } } }, (here) =>
        Effect.gen(function* () {
          yield* here.contacts.change(owner, { email: "me@example.com", webhook: null }, "operator")
          yield* expectUnasked(here)
          expect(mails).toEqual([])
        })
      )
    )
  )

  live("is not sent without a server for it: the console has the code", () =>
    world({}, (here) =>
      Effect.gen(function* () {
        yield* here.contacts.change(owner, { email: "me@example.com", webhook: null }, "operator")
        expect((yield* challenged(here)).details).toMatchObject({ channel: "console" })
      })
    )
  )

  for (const email of ["nobody", "a@b\r\nBcc: c@d", "a b@example.com", "<a@example.com>", "a@example.com,c@d", ""])
    live(`does not go to ${JSON.stringify(email)}`, () =>
      world({}, (here) =>
        Effect.map(Effect.flip(here.contacts.change(owner, { email, webhook: null }, "operator")), ({ _tag }) =>
          expect(_tag).toBe("ContactRefused")
        )
      )
    )
})

describe("an address", () => {
  live("is an event of its key, by whom it was set", () =>
    world({}, (here) =>
      Effect.gen(function* () {
        yield* here.contacts.change(owner, { email: "me@example.com", webhook: null }, "operator")
        const row = (yield* here.log.read(stream("key", owner))).at(-1)
        expect(row).toMatchObject({
          type: "KeyContactChanged",
          by: "operator",
          data: { email: "me@example.com", webhook: null }
        })
        expect(yield* here.contacts.list).toContainEqual(
          expect.objectContaining({ key: owner, email: "me@example.com", webhook: null, totp: false })
        )
      })
    )
  )
})
