/** What a decision rests on is broken under a running server: every point refuses then, nothing changes, and the log tells. */
import { execFileSync } from "node:child_process"
import { Schema } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { DecisionPoint } from "../../events/Ids.js"
import { catalogue } from "../../src/guards/Catalogue.js"
import { type Answer, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import type { Ask, Condition } from "./uncertain/Condition.js"
import { callers } from "./uncertain/callers.js"
import { effects } from "./uncertain/effects.js"
import { elsewhere } from "./uncertain/elsewhere.js"
import { things } from "./uncertain/things.js"
import { happened, headOf, make, stakes, type World } from "./uncertain/World.js"

/** In turn: of many refusals of one point within a second the log tells only how many they were. */
const inTurn = (...all: ReadonlyArray<ReadonlyArray<Condition>>): ReadonlyArray<Condition> =>
  Array.from({ length: Math.max(...all.map(({ length }) => length)) }, (_, turn) =>
    all.flatMap((some) => some[turn] ?? [])
  ).flat()

const conditions = inTurn(callers, things, effects)

let world: World
beforeAll(async () => {
  world = await make()
}, 120_000)
afterAll(() => world?.stop(), 60_000)

interface Owed {
  readonly condition: string
  readonly after: number
  readonly point: DecisionPoint
  readonly certainty: string
  readonly action: string
}

/** What the log has to tell, in the end. */
const owed: Array<Owed> = []

/** So many different ones of a point are told at one time; the rest is counted. */
const TOLD_AT_ONCE = 16
let untold: ReadonlyArray<Owed> = []

/** Once there is room for as many more. */
const room = async (point: DecisionPoint, more: number) => {
  const waiting = () => untold.filter((one) => one.point === point).length
  if (waiting() + more <= TOLD_AT_ONCE) return
  await eventually("those before are told", () => {
    const told = refusals()
    untold = untold.filter((one) => !isTold(one, told))
    return waiting() === 0
  })
}

/** A query makes each request another one, so that the log tells of each. */
const marked = (ask: Ask, mark: string): Ask => ({ ...ask, path: `${ask.path}?${mark}` })

const asking = ({ as = world.server, body, headers = {}, method, path }: Ask): Promise<Answer> =>
  request(as, method, path, { headers, ...(body === undefined ? {} : { body }) })

const Details = Schema.decodeUnknownSync(Schema.Struct({ point: DecisionPoint, certainty: Schema.String }))

/** Who it was. */
const refused = ({ by, certain, or = [], point, refuses }: Condition, answer: Answer): DecisionPoint => {
  const first = by ?? point
  if (refuses !== undefined) {
    refuses(answer)
    return first
  }
  expect(answer.status, answer.text).toBe(certain?.status ?? 503)
  expect(answer.json.message, answer.text).toBeTypeOf("string")
  const details = Details(answer.json.details)
  expect(details.certainty, answer.text).toBe(certain === undefined ? "uncertain" : "refused")
  expect([first, ...or], answer.text).toContain(details.point)
  return details.point
}

const tried = async (condition: Condition, name: string, mark: string) => {
  const { action, by, certain, leaves = [], point, trial } = condition
  const { afterwards, asks, breaks, mends } = await trial(world, `while=${mark}`)
  const before = stakes(world)
  const after = headOf(world)
  const wanted = asks.map((ask) => marked(ask, `while=${mark}`))
  await room(by ?? point, wanted.length)
  await breaks()
  const answers = await Promise.all(wanted.map(asking)).finally(mends)
  const points = answers.map((answer) => refused(condition, answer))
  expect(stakes(world)).toEqual(before)
  expect(happened(world, after).filter((type) => !leaves.includes(type))).toEqual([])
  const certainty = certain === undefined ? "uncertain" : "refused"
  for (const [index, ask] of wanted.entries()) {
    const told = action?.(asks[index] ?? ask, world)
    const same = told === undefined || told === `${ask.method} ${asks[index]?.path}`
    owed.push({
      condition: name,
      after,
      point: points[index] ?? point,
      certainty,
      action: same ? `${ask.method} ${ask.path}` : told
    })
  }
  untold = [...untold, ...owed.slice(-wanted.length)]
  // One after the other: some undo what others did.
  for (const ask of afterwards ?? asks) {
    const { status, text } = await asking(marked(ask, `after=${mark}`))
    expect(status, text).toBeLessThan(300)
  }
}

const nameOf = ({ by, certain, how, point, what }: Condition): string => {
  const refusing = by === undefined ? "" : `, and ${by} refuses`
  const because = certain === undefined ? "" : `: ${certain.why}`
  return `${point} ${how}: ${what}${refusing}${because}`
}

describe("while what a decision rests on", () => {
  for (const [index, condition] of conditions.entries())
    it(nameOf(condition), () => tried(condition, nameOf(condition), String(index)), 60_000)
})

const unsandbox = (...argv: ReadonlyArray<string>): string =>
  execFileSync("node", ["bin/unsandbox.mjs", ...argv, "--json", "--data", world.server.data], {
    encoding: "utf8",
    maxBuffer: 2 ** 28
  })

interface Told {
  readonly type: string
  readonly seq: number
  readonly data: Omit<Owed, "condition" | "after">
}

const refusals = (): ReadonlyArray<Told> =>
  unsandbox("events", "tail", "--once", "--last", "10000")
    .trim()
    .split("\n")
    .map((line): Told => JSON.parse(line))
    .filter(({ type }) => type === "Refused")

const isTold = ({ action, after, certainty, point }: Owed, told: ReadonlyArray<Told>): boolean =>
  told.some(
    ({ data, seq }) => seq > after && data.point === point && data.certainty === certainty && data.action === action
  )

describe("afterwards", () => {
  it("the log tells of every refusal, and is whole", async () => {
    let missing: ReadonlyArray<Owed> = owed
    await eventually("all is told", () => {
      const told = refusals()
      missing = owed.filter((one) => !isTold(one, told))
      return missing.length === 0
    }).catch(() => expect(missing).toEqual([]))
    expect(owed.length).toBeGreaterThan(conditions.length)
    expect(JSON.parse(unsandbox("verify"))).toMatchObject({ ok: true })
  }, 60_000)

  it("what was asked for meanwhile is done", async () => {
    const { careful, image, locked, open, snapshot, treasure } = world
    for (const [method, path] of [
      ["POST", `/services/${locked}/unlock`],
      ["DELETE", `/services/${locked}`],
      ["DELETE", `/services/${open}`],
      ["DELETE", `/snapshots/${snapshot}`],
      ["DELETE", `/images/${image}`]
    ] as const) {
      const { status, text } = await asking({ method, path })
      expect(status, text).toBe(200)
    }
    // Its person has not spoken, and it is locked.
    expect((await asking({ method: "POST", path: `/services/${treasure}/unlock`, body: {}, as: careful })).status).toBe(
      428
    )
  })
})

describe("every point of the catalogue", () => {
  for (const point of Object.keys(catalogue)) {
    const tries = conditions.filter((condition) => condition.point === point).length
    const why = Object.entries(elsewhere).find(([name]) => name === point)?.[1]
    it(`${point} ${tries === 0 ? `is not here: ${why}` : `is tried, ${tries} times`}`, () => {
      expect(tries > 0, point).toBe(why === undefined)
    })
  }
})
