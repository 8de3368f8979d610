/** How a server says no to an operator: `code` is for programs, `message` names the fix. */
import { Schema } from "effect"

export class Declined extends Schema.TaggedError<Declined>()("Declined", {
  code: Schema.String,
  message: Schema.String
}) {}

const fields = (error: unknown): Readonly<Record<string, unknown>> =>
  typeof error === "object" && error !== null ? { ...error } : {}

/** Refusals carry their reason as data; outages carry a sentence. */
export const declined = (error: unknown): Declined => {
  const { _tag, reason } = fields(error)
  const told = fields(reason)
  const code = typeof told.code === "string" ? told.code : typeof _tag === "string" ? _tag : "failed"
  const said = [told.message, reason, error instanceof Error ? error.message : undefined]
  return new Declined({
    code,
    message: said.find((text) => typeof text === "string" && text !== "")?.toString() ?? code
  })
}
