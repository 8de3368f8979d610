/** Where the value of a marked variable may go: to a host by its name, or to all below one, on one port, over TLS. */
import { isIP } from "node:net"
import { Either } from "effect"
import { parse as ruleOf } from "./EgressRule.js"
import { hostOf } from "./HostName.js"

export interface Mark {
  /** As it is shown, and kept. */
  readonly text: string
  /** `http` only where it was written so: in clear, for everybody on the way to read. */
  readonly scheme: "https" | "http"
  readonly port: number
  readonly names: (host: string) => boolean
}

const usual = { https: 443, http: 80 } as const

const EXPECTED =
  "expected a host by its name, such as api.example.com, *.example.org or api.example.com:8443; " +
  "http:// before it sends the value in clear"

/** `*` and `*.com` are not hosts of anybody's. */
const isNamed = (target: string): boolean => {
  const name = target.replace(/^\*\./, "").replace(/:\d+$/, "")
  const host = hostOf(name)
  return host !== undefined && isIP(host) === 0 && (!target.startsWith("*.") || host.includes("."))
}

/** Left is a sentence that names what is expected. */
export const parse = (written: string): Either.Either<Mark, string> => {
  const [, said = "https", target = ""] = /^(?:(https?):\/\/)?([^/]*)$/i.exec(written) ?? []
  const scheme = said.toLowerCase() === "http" ? "http" : "https"
  const rule = isNamed(target) ? Either.getOrUndefined(ruleOf(target)) : undefined
  if (rule === undefined) {
    const shown = JSON.stringify(written.slice(0, 80))
    return Either.left(`${shown} is no host that a value may go to: ${EXPECTED}`)
  }
  const { names, port = usual[scheme], text } = rule
  return Either.right({ text: scheme === "http" ? `http://${text}` : text, scheme, port, names })
}

export interface Towards {
  readonly scheme: Mark["scheme"]
  /** Canonical. */
  readonly host: string
  readonly port: number
}

export const leads = (mark: Mark, { host, port, scheme }: Towards): boolean =>
  mark.scheme === scheme && mark.port === port && mark.names(host)
