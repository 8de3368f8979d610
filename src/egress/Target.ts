/** Where a request to the proxy wants to go, read strictly: what could be understood in two ways is not understood. */
import { Data, Either } from "effect"
import { hostOf } from "../guards/HostName.js"

export interface Target {
  /** Canonical. */
  readonly host: string
  readonly port: number
}

export interface Resource extends Target {
  /** What stands after the host, as the client wrote it. */
  readonly path: string
  readonly authority: string
}

export class BadTarget extends Data.TaggedError("BadTarget")<{
  readonly status: 400 | 421
  readonly reason: string
}> {}

const bad = (reason: string) => Either.left(new BadTarget({ status: 400, reason }))

/** Visible ASCII only, and no user: `user@host` and percent signs are where parsers disagree. */
const AUTHORITY = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::(\d{1,5}))?$/

const targetOf = (authority: string, usual: number | undefined): Either.Either<Target, BadTarget> => {
  const [, written = "", digits] = AUTHORITY.exec(authority) ?? []
  const host = hostOf(written)
  if (host === undefined) return bad("expected HOST:PORT with a host name or an address, and no user in it")
  const port = digits === undefined ? usual : Number(digits)
  if (port === undefined || port < 1 || port > 65_535) return bad("expected a port from 1 to 65535 after the host")
  return Either.right({ host, port })
}

/** Of CONNECT. */
export const ofAuthority = (authority: string): Either.Either<Target, BadTarget> => targetOf(authority, undefined)

/** Of a request's `Host`, on a connection that is for `target`: anything else is not carried to it. */
export const ofHost = (authority: string | undefined, target: Target): Either.Either<Target, BadTarget> =>
  Either.flatMap(targetOf(authority ?? "", 443), (said) =>
    said.host === target.host && said.port === target.port
      ? Either.right(said)
      : Either.left(
          new BadTarget({ status: 421, reason: `this connection is for ${target.host}:${target.port} alone` })
        )
  )

/** Of every other method: `http://host[:port]/path`. */
export const ofUrl = (url: string): Either.Either<Resource, BadTarget> => {
  const [, authority = "", rest = ""] = /^http:\/\/([^/?#]*)([^#]*)/i.exec(url) ?? []
  if (authority === "") return bad("this is a proxy: ask for http://HOST/… or CONNECT HOST:PORT")
  return Either.map(targetOf(authority, 80), (target) => ({
    ...target,
    authority,
    path: rest.startsWith("/") ? rest : `/${rest}`
  }))
}
