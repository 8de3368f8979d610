/** Why a request of a container is not carried, and what it is told. */
import type { Untold } from "../../actors/egress/Substitutes.js"
import { Refused } from "../guards/Guard.js"
import type { StoreUnavailable } from "../store/Blobs.js"
import type { Answer } from "./Answering.js"
import type { Unreached } from "./Dialing.js"
import type { Overdrawn } from "./substitution/Budget.js"
import type { BadTarget } from "./Target.js"

export type Failure = Refused | Unreached | BadTarget | Overdrawn | Untold | StoreUnavailable

export const answerOf = (failure: Failure): Answer => {
  if (failure instanceof Refused) return { status: failure.reason.status, text: failure.reason.message }
  switch (failure._tag) {
    case "BadTarget":
      return { status: failure.status, text: failure.reason }
    case "Unreached":
      return { status: failure.status, text: `it could not be reached: ${failure.reason}` }
    case "Overdrawn":
      return { status: 503, text: "too much is on its way from here already; try again shortly" }
    case "LogUnavailable":
    case "StoreUnavailable":
      return { status: 503, text: "what is marked for this host cannot be had just now, so nothing was sent" }
  }
}
