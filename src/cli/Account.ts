/** Whose name a command calls the API in, and where that is: as every client of this API finds its key pair. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Options } from "@effect/cli"
import { Either, Option } from "effect"
import type { Credentials } from "./Client.js"
import { Failure, usage } from "./Failure.js"

export interface Chosen {
  readonly url: Option.Option<string>
  readonly publicKey: Option.Option<string>
  readonly secretKey: Option.Option<string>
  readonly account: Option.Option<number>
}

export const options: Options.Options<Chosen> = Options.all({
  url: Options.text("url").pipe(
    Options.optional,
    Options.withDescription("Where the server is (UNSANDBOX_URL, or http://127.0.0.1:8080)")
  ),
  publicKey: Options.text("public-key").pipe(
    Options.withAlias("p"),
    Options.optional,
    Options.withDescription("In whose name (UNSANDBOX_PUBLIC_KEY)")
  ),
  secretKey: Options.text("secret-key").pipe(
    Options.withAlias("k"),
    Options.optional,
    Options.withDescription("Its secret; flags are seen by others, so better UNSANDBOX_SECRET_KEY")
  ),
  account: Options.integer("account").pipe(
    Options.optional,
    Options.withDescription("Row of ~/.unsandbox/accounts.csv, from 0 (UNSANDBOX_ACCOUNT)")
  )
})

interface Around {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The user's. */
  readonly home: string
  /** Where the command was called. */
  readonly directory: string
}

type Pair = Omit<Credentials, "url">

const USUAL = "http://127.0.0.1:8080"

const said = (text: string | undefined): Option.Option<string> =>
  Option.filter(Option.fromNullable(text), (written) => written !== "")

/** Rows are `public,secret[,comment]`. */
const rows = (path: string): ReadonlyArray<Pair> =>
  Either.getOrElse(
    Either.try(() => readFileSync(path, "utf8")),
    () => ""
  )
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .flatMap(([publicKey = "", secretKey = ""]) =>
      publicKey.startsWith("unsb-pk-") && secretKey.startsWith("unsb-sk-") ? [{ publicKey, secretKey }] : []
    )

const row = (number: number, { directory, home }: Around): Option.Option<Pair> =>
  Option.firstSomeOf(
    [join(home, ".unsandbox", "accounts.csv"), join(directory, "accounts.csv")].map((path) =>
      Option.fromNullable(rows(path)[number])
    )
  )

const both = (
  publicKey: Option.Option<string>,
  secretKey: Option.Option<string>,
  names: string
): Either.Either<Option.Option<Pair>, Failure> =>
  Option.isSome(publicKey) === Option.isSome(secretKey)
    ? Either.right(Option.all({ publicKey, secretKey }))
    : Either.left(usage(`give both of ${names}, or neither`))

const unknown = (why: string) => new Failure({ ending: "auth", code: "no_credentials", message: why })

const numbered = (number: number, around: Around): Either.Either<Pair, Failure> =>
  Either.fromOption(row(number, around), () => unknown(`there is no account ${number} in ~/.unsandbox/accounts.csv`))

const pair = (chosen: Chosen, around: Around): Either.Either<Pair, Failure> =>
  Either.gen(function* () {
    const flags = yield* both(chosen.publicKey, chosen.secretKey, "--public-key and --secret-key")
    if (Option.isSome(flags)) return flags.value
    if (Option.isSome(chosen.account)) return yield* numbered(chosen.account.value, around)
    const { UNSANDBOX_ACCOUNT, UNSANDBOX_PUBLIC_KEY, UNSANDBOX_SECRET_KEY } = around.environment
    const names = "UNSANDBOX_PUBLIC_KEY and UNSANDBOX_SECRET_KEY"
    const given = yield* both(said(UNSANDBOX_PUBLIC_KEY), said(UNSANDBOX_SECRET_KEY), names)
    if (Option.isSome(given)) return given.value
    const named = said(UNSANDBOX_ACCOUNT)
    if (Option.isSome(named) && !/^\d{1,6}$/.test(named.value))
      return yield* Either.left(usage("UNSANDBOX_ACCOUNT: expected the number of a row"))
    const found = row(Number(Option.getOrElse(named, () => "0")), around)
    return yield* Either.fromOption(found, () =>
      unknown(`no key pair: set ${names}, or write ~/.unsandbox/accounts.csv`)
    )
  })

const place = (chosen: Chosen, { environment }: Around): Either.Either<string, Failure> => {
  const url = Option.getOrElse(chosen.url, () => Option.getOrElse(said(environment.UNSANDBOX_URL), () => USUAL))
  return /^https?:\/\//.test(url) && URL.canParse(url)
    ? Either.right(new URL(url).origin)
    : Either.left(usage(`--url: expected http://HOST:PORT or https://HOST, got ${JSON.stringify(url)}`))
}

/** Flags, then `--account`, then the environment, then the first row of accounts.csv. */
export const credentials = (chosen: Chosen, around: Around): Either.Either<Credentials, Failure> =>
  Either.map(Either.all({ url: place(chosen, around), of: pair(chosen, around) }), ({ of, url }) => ({ url, ...of }))
