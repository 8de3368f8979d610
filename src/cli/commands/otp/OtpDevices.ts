/** `unsandbox otp contacts|contact|enrol|confirm|remove`: where a key's codes go, or which device makes them. */
import { Args, Command, Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { usage } from "../../Failure.js"
import { json, place } from "../../Options.js"
import * as Output from "../../Output.js"
import { argument as key, known } from "../keys/KeyPlace.js"
import { desk } from "./OtpPlace.js"

export const contacts = Command.make("contacts", { place, json }, (given) =>
  Effect.gen(function* () {
    const all = yield* (yield* desk(given.place)).contacts
    const documents = all.map(({ email, key: name, label, totp, webhook }) => ({
      public_key: name,
      label,
      email,
      webhook,
      totp
    }))
    if (given.json) return yield* Output.json({ contacts: documents, count: all.length })
    const rows = all.map((one) => [one.key, one.label, one.totp ? "device" : "", one.email ?? "", one.webhook ?? ""])
    yield* Output.line(Output.table(["public key", "label", "device", "e-mail", "webhook"], rows))
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Show where each key's codes go; the console where nothing is set"))

const address = (flag: string, about: string) =>
  Options.text(flag).pipe(Options.optional, Options.withDescription(about))

export const contact = Command.make(
  "contact",
  {
    place,
    json,
    email: address("email", "Codes go to this address, by the server's --smtp-url; none takes it off"),
    webhook: address("webhook", "Codes go to this URL, signed; none takes it off"),
    key
  },
  (given) =>
    Effect.gen(function* () {
      const name = yield* known(given.key)
      if (Option.isNone(given.email) && Option.isNone(given.webhook))
        return yield* usage("name --email, --webhook or both")
      const otp = yield* desk(given.place)
      const before = (yield* otp.contacts).find((one) => one.key === name)
      const chosen = (text: Option.Option<string>, old: string | null | undefined) =>
        Option.match(text, { onNone: () => old ?? null, onSome: (said) => (said === "none" ? null : said) })
      const [email, webhook] = [chosen(given.email, before?.email), chosen(given.webhook, before?.webhook)]
      yield* otp.contact(name, { email, webhook })
      if (given.json) return yield* Output.json({ public_key: name, email, webhook })
      const where = [webhook, email].filter((one) => one !== null).join(", else ")
      yield* Output.line(`codes of ${name} go to ${where || "the server's console"}`)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Set where a key's codes go"))

export const enrol = Command.make("enrol", { place, json, key }, (given) =>
  Effect.gen(function* () {
    const name = yield* known(given.key)
    const uri = yield* (yield* desk(given.place)).enrol(name)
    if (given.json) return yield* Output.json({ public_key: name, otpauth: uri })
    yield* Output.line(uri)
    yield* Output.note(`It is not shown again. Give it to an authenticator, then: unsandbox otp confirm ${name} CODE`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Enrol an authenticator that makes a key's codes (TOTP); its URI is shown this once"))

export const confirm = Command.make("confirm", { place, json, key, code: Args.text({ name: "code" }) }, (given) =>
  Effect.gen(function* () {
    const name = yield* known(given.key)
    yield* (yield* desk(given.place)).confirm(name, given.code)
    yield* given.json
      ? Output.json({ public_key: name, totp: true })
      : Output.line(`from now on codes of that authenticator confirm what ${name} does`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Complete an enrolment with the code that the authenticator shows"))

export const remove = Command.make("remove", { place, json, key }, (given) =>
  Effect.gen(function* () {
    const name = yield* known(given.key)
    yield* (yield* desk(given.place)).remove(name)
    yield* given.json
      ? Output.json({ public_key: name, totp: false })
      : Output.line(`${name} has no authenticator; its codes go to its contact, or to the server's console`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Take a key's authenticator off"))
