/** The decision points as they are told to people and programs: made from the catalogue and the API's definition. */
import * as HttpApi from "@effect/platform/HttpApi"
import { Array as Arr } from "effect"
import type { DecisionPoint } from "../../events/Ids.js"
import { catalogue } from "../guards/Catalogue.js"
import { denials } from "../guards/Denials.js"
import { Api } from "./Api.js"
import { pointsOf } from "./RateLimit.js"

interface Decision {
  readonly point: DecisionPoint
  readonly name: string
  /** Completes "refuses unless it is certain that …". */
  readonly claim: string
  readonly codes: Readonly<Record<string, number>>
  readonly uncertain: string
  /** METHOD and path of the routes that pass it. */
  readonly routes: ReadonlyArray<string>
}

const isPoint = (text: string): text is DecisionPoint => Object.hasOwn(catalogue, text)

const routes = (): ReadonlyMap<string, ReadonlyArray<string>> => {
  const found = new Map<string, Array<string>>()
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint, mergedAnnotations }) => {
      for (const point of new Set(pointsOf(mergedAnnotations).map(String)))
        found.set(point, [
          ...(found.get(point) ?? []),
          `${endpoint.method} ${endpoint.path.replace(/:(\w+)/g, "{$1}")}`
        ])
    }
  })
  return found
}

export const decisions = (): ReadonlyArray<Decision> => {
  const passed = routes()
  return Object.keys(catalogue)
    .filter(isPoint)
    .map((point) => {
      const { claim, name } = catalogue[point]
      return { point, name, claim, ...denials[point], routes: passed.get(point) ?? [] }
    })
}

const codesOf = ({ codes }: Decision): string =>
  Object.entries(codes)
    .map(([code, status]) => `| \`${code}\` | ${status} |`)
    .join("\n")

const coded = (routes: ReadonlyArray<string>): string => routes.map((route) => `\`${route}\``).join(", ")

/** With more exceptions than these, those that pass it are the shorter list to read. */
const EXCEPTIONS = 3

/** By what they are about: the first part of the path. */
const grouped = (routes: ReadonlyArray<string>): string =>
  Object.entries(Arr.groupBy(routes, (route) => route.split("/")[1] ?? ""))
    .map(([room, some]) => `- ${room}: ${coded(some)}`)
    .join("\n")

/** `everywhere`: the routes that ask who calls. */
const routesOf = ({ routes }: Decision, everywhere: ReadonlyArray<string>): string => {
  if (routes.length === 0) return "No route names it: it stands where the effect is."
  const others = everywhere.filter((route) => !routes.includes(route))
  if (others.length === 0) return "Passed by every route that asks who calls."
  return others.length <= EXCEPTIONS
    ? `Passed by every route that asks who calls, but for ${coded(others)}.`
    : `Passed by\n\n${grouped(routes)}`
}

const row = ({ claim, name, point }: Decision): string =>
  `| [${point}](#${point.toLowerCase()}-${name}) | ${name} | ${claim} |`

const section = (
  decision: Decision,
  everywhere: ReadonlyArray<string>
): string => `## ${decision.point} ${decision.name}

Refuses unless it is certain that ${decision.claim}.

Uncertain, and so refused: ${decision.uncertain}.

| error | status |
|---|---|
${codesOf(decision)}

${routesOf(decision, everywhere)}
`

const text = (all: ReadonlyArray<Decision>): string => `# The decision points

Made by \`npm run docs\` from \`src/guards\` and the API's definition. A guard turns facts into a permit that only it can
make, or refuses; facts that fail, hang, are missing or make no sense refuse as \`uncertain\` with status 503 (unless the table
says otherwise). Each refusal is an event on the stream \`decision/POINT\` and counts in the metric
\`unsandbox_refusals_total{point,certainty}\`; alike ones within a second are one event with a count. What destroys, unlocks,
overwrites or gives away carries the list of its permits in its own event, as \`evidence\`.

| | | refuses unless it is certain that |
|---|---|---|
${all.map(row).join("\n")}

${all.map((one) => section(one, all[0]?.routes ?? [])).join("\n")}`

/** docs/DECISIONS.md, whole. */
export const document = (): string => text(decisions())
