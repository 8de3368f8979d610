/** Points of which nothing outside of the request can be uncertain while a server runs, and why. */
import type { DecisionPoint } from "../../../events/Ids.js"

export const elsewhere: Partial<Readonly<Record<DecisionPoint, string>>> = {
  D04: "a machine has one clock for everybody: it is set under a server of its own in uncertain-clock.test.ts",
  D07: "slots are counted in the server's memory, and what a key may have is read from the row that D01 has just read",
  D12: "toolchains are looked for once, before the first request; what goes missing later fails the program, not the decision",
  D13: "files are in the request, whole, before they are judged",
  D14: "the networks are those that the server was started with, and they are in its memory"
}
