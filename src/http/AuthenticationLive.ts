/** Who calls: D01 to D04 on a request's headers and the very bytes of its body; then D06, where work is begun. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, Either, Layer, Option } from "effect"
import { Keys } from "../../actors/key/Keys.js"
import * as TrustedTime from "../../actors/TrustedTime.js"
import * as Guards from "../guards/Authentication.js"
import * as Credentials from "../guards/Credentials.js"
import type { Refused } from "../guards/Guard.js"
import { keyKnown } from "../guards/KeyKnown.js"
import { type KeyRecord, KeyTable } from "../projections/KeyTable.js"
import { type Calling, KnownKey, Signed, SignedByDigest } from "./Authentication.js"
import * as Problem from "./Problem.js"
import * as RateLimit from "./RateLimit.js"
import * as Refusing from "./Refusing.js"
import * as Secrets from "./Secrets.js"
import { Bodies } from "./wire/Body.js"
import * as RequestId from "./wire/RequestId.js"

const nobody = Buffer.alloc(0)

interface Request {
  readonly source: ReturnType<typeof NodeHttpServerRequest.toIncomingMessage>
  readonly credentials: Credentials.Credentials
  readonly target: string
  readonly trace: string
}

const requestOf = (request: HttpServerRequest.HttpServerRequest): Request => {
  const source = NodeHttpServerRequest.toIncomingMessage(request)
  const { authorization } = source.headers
  const [timestamp, signature] = [source.headers["x-timestamp"], source.headers["x-signature"]]
  const credentials = Credentials.read({
    authorization,
    timestamp: typeof timestamp === "string" ? timestamp : undefined,
    signature: typeof signature === "string" ? signature : undefined
  })
  return { source, credentials, target: source.url ?? "/", trace: RequestId.of(request) }
}

const make = Effect.gen(function* () {
  const refusing = yield* Refusing.make
  const table = yield* KeyTable
  const secrets = Secrets.make(yield* Keys)
  const bodies = yield* Bodies
  const clock = yield* TrustedTime.make
  const limited = yield* RateLimit.make

  const admit = <A>(decision: Either.Either<A, Refused>, { credentials, source, target }: Request) => {
    const principal = Credentials.principal(credentials)
    return Effect.mapError(refusing(decision, principal, source.method ?? "", target), Problem.of)
  }

  const recordOf = (request: Request) =>
    table.find(Credentials.principal(request.credentials)).pipe(
      Effect.map(Option.getOrUndefined),
      Effect.catchAll(({ _tag }) => admit(Either.left(keyKnown.doubt(`facts: ${_tag}`)), request))
    )

  const calling = (
    key: KeyRecord | undefined,
    body: Buffer,
    { trace }: Request,
    { publicKey: _, known, ...others }: Pick<Guards.Authenticated, "known"> & Partial<Guards.Authenticated>
  ): Effect.Effect<Calling> =>
    key === undefined
      ? Effect.dieMessage("a permit without its key")
      : Effect.succeed({ key, body, trace, proof: [known, ...Object.values(others)] })

  const signed = Effect.fnUntraced(function* (request: Request) {
    const { credentials, source, target } = request
    const before = yield* recordOf(request)
    // Without a known key nothing in the body can change the answer, so it is not read.
    const worth = credentials._tag === "Signed" && before !== undefined
    const secret = worth ? yield* secrets.of(before.key) : undefined
    const body = worth ? yield* bodies.read(source, before.key) : nobody
    // The body may have been long in coming: the key counts as it stands now.
    const key = worth ? yield* recordOf(request) : before
    const presented = { credentials, method: source.method ?? "", target, body }
    const proof = yield* admit(Guards.authenticate(presented, { record: key, secret }, clock()), request)
    return yield* calling(key, body, request, proof)
  })

  /** Whoever sends much has proved who it is before a byte of it is taken. */
  const digested = Effect.fnUntraced(function* (request: Request) {
    const { credentials, source, target } = request
    const key = yield* recordOf(request)
    const secret = key === undefined ? undefined : yield* secrets.of(key.key)
    const said = source.headers["x-content-sha256"]
    const body = typeof said === "string" ? Buffer.from(said) : nobody
    const presented = { credentials, method: source.method ?? "", target, body }
    const proof = yield* admit(Guards.authenticate(presented, { record: key, secret }, clock()), request)
    return yield* calling(key, body, request, proof)
  })

  const known = Effect.fnUntraced(function* (request: Request) {
    if (request.credentials._tag === "Signed") return yield* signed(request)
    const key = yield* recordOf(request)
    const proof = yield* admit(Guards.identify(request.credentials, key, clock()), request)
    return yield* calling(key, nobody, request, proof)
  })

  const on = <E>(check: (request: Request) => Effect.Effect<Calling, E>) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.tap(check(requestOf(request)), ({ key }) => limited(request, key, clock))
    )
  return { signed: on(signed), digested: on(digested), known: on(known) }
})

/** All middlewares share one clock and one cache of secrets. */
export const layer = Layer.unwrapScoped(
  Effect.map(make, ({ digested, known, signed }) =>
    Layer.mergeAll(
      Layer.succeed(Signed, Signed.of({ signature: () => signed })),
      Layer.succeed(SignedByDigest, SignedByDigest.of({ signature: () => digested })),
      Layer.succeed(KnownKey, KnownKey.of({ publicKey: () => known }))
    )
  )
)
