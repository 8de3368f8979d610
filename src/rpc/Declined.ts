/** How a server says no to an operator: `code` is for programs, `message` names the fix. */
import { Schema } from "effect"

export class Declined extends Schema.TaggedError<Declined>()("Declined", {
  code: Schema.String,
  message: Schema.String
}) {}
