/** What a test asks about jobs: what was told of one, how it ended, and whether all is at rest. */
import { Effect, Option } from "effect"
import type { JobId } from "../../events/Ids.js"
import { JobTable } from "../../src/projections/JobTable.js"
import { ann, becomes, type System, told } from "./world.js"

export const typesOf = (job: JobId) => Effect.map(told(`job/${job}`), (rows) => rows.map(({ type }) => type))

export const finishedOf = (job: JobId) =>
  Effect.flatMap(JobTable, (table) =>
    Effect.map(table.find(job), (found) => Option.getOrUndefined(found)?.finished ?? null)
  )

/** No job, no slot in use, no claimed container, nobody in line. */
export const rest = ({ jobs, slots, status }: System) =>
  becomes(
    Effect.gen(function* () {
      const { busy, waiting } = yield* status
      return (yield* jobs.active) === 0 && slots.active(ann) === 0 && busy === 0 && waiting === 0
    })
  )
