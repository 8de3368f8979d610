/** What goes out where: which marked variables a request may carry, by which way, and which it may not. */
import { Redacted } from "effect"
import type { Home, Inhabitant, Substitute } from "../../../actors/egress/Substitutes.js"
import { leads, type Mark, type Towards } from "../../guards/EgressMark.js"
import type { Target } from "../Target.js"

/** One variable for this request. */
export interface Swap {
  readonly variable: string
  readonly placeholder: string
  readonly value: string
  readonly mark: Mark
}

/** A request to a host that something is marked for. */
export interface Going {
  readonly home: Home
  /** Where it really goes. */
  readonly target: Target
  readonly secure: boolean
  /** Never none. */
  readonly swaps: ReadonlyArray<Swap>
  /** Of the same container, for other hosts. */
  readonly others: ReadonlyArray<Substitute>
}

const towards = ({ home, substitutes }: Inhabitant, where: Towards): Going | undefined => {
  const swaps = substitutes.flatMap(({ marks, placeholder, value, variable }): ReadonlyArray<Swap> => {
    const mark = marks.find((one) => leads(one, where))
    return mark === undefined ? [] : [{ variable, placeholder, value: Redacted.value(value), mark }]
  })
  if (swaps.length === 0) return undefined
  const taken = new Set(swaps.map(({ variable }) => variable))
  const others = substitutes.filter(({ variable }) => !taken.has(variable))
  return { home, target: { host: where.host, port: where.port }, secure: where.scheme === "https", swaps, others }
}

/** Through CONNECT: only TLS is spoken there. */
export const connecting = (inhabitant: Inhabitant, target: Target): Going | undefined =>
  towards(inhabitant, { scheme: "https", ...target })

/**
 * Of a plain http:// request. A value goes in clear only where its mark says so; to a host that is marked for TLS the
 * request goes by TLS, as if it had been asked for so: on 443 in the place of 80, or on its own port.
 */
export const asking = (inhabitant: Inhabitant, { host, port }: Target): Going | undefined =>
  towards(inhabitant, { scheme: "http", host, port }) ??
  towards(inhabitant, { scheme: "https", host, port: port === 80 ? 443 : port })
