/** What this machine has of what running containers needs, and how to get the rest. Works for any user. */
import { resolve } from "node:path"
import { Effect } from "effect"
import type { Finding } from "./doctor/Finding.js"
import * as Host from "./doctor/Host.js"
import * as Kernel from "./doctor/Kernel.js"
import * as Membrane from "./doctor/Membrane.js"
import { builtMembrane } from "./local/LocalSubstrate.js"

interface Examined {
  /** The server's data directory. */
  readonly data: string
  readonly binary?: string
}

export const examine = ({ binary, data }: Examined): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.map(
    Effect.all([
      Host.examine(resolve(data)),
      Kernel.examine(process.geteuid?.() === 0),
      Membrane.examine(binary ?? builtMembrane)
    ]),
    (parts) => parts.flat()
  )
