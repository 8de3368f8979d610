/** Commands in a running service: each is a job, and its caller waits for its end. */
import { Effect } from "effect"
import { errandWellformed } from "../../guards/SessionOrder.js"
import * as Outputs from "../jobs/Outputs.js"
import * as Result from "../jobs/Result.js"
import * as Problem from "../Problem.js"
import * as Answer from "../wire/Answer.js"
import { AnswerRoom } from "../wire/AnswerRoom.js"
import * as Large from "../wire/Large.js"
import type { ServiceIntake } from "./ServiceIntake.js"
import type { One, ServiceRoutes } from "./ServiceRoutes.js"
import * as ServiceWords from "./ServiceWords.js"

/** The client library takes nothing but 200 for an answer, the client program nothing but 202. */
const statusFor = (agent: string | undefined): 200 | 202 => (agent?.startsWith("un-cli/2.0") === true ? 200 : 202)

export const make = ({ guarding, own, services }: ServiceRoutes, intake: ServiceIntake) =>
  Effect.map(AnswerRoom, (room) => {
    const execute = Effect.fnUntraced(function* (one: One) {
      const { asking, owned, view } = yield* own(one)
      const { key, trace } = asking.caller
      const body = yield* guarding.fields(asking)
      const order = yield* guarding.judge(errandWellformed.decide(body), asking)
      const files = yield* intake.files(ServiceWords.filesOf(body), asking)
      const ticket = yield* services.execute(owned, { order, files, trace })
      const outcome = yield* ticket.outcome
      yield* room.hold(one.request, key.key, Outputs.weight(outcome.finished))
      const { completedAt, createdAt, startedAt } = outcome
      const about: Result.About = {
        ...{ job: ticket.job, language: "shell", detected: false, network: view.network },
        ...{ createdAt, startedAt, completedAt }
      }
      const large = Large.make()
      const value = { ...Result.result(about, Outputs.ofOutcome(outcome, large)), service_id: view.service }
      return Answer.told({ value, large }, statusFor(one.request.headers["user-agent"]))
    }, Effect.mapError(Problem.of))
    return { execute }
  })
