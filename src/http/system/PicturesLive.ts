/** Pictures that nobody here draws: said plainly, whatever was asked for. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Effect } from "effect"
import { Api } from "../Api.js"
import { Problem } from "../Problem.js"

const unable = new Problem({
  status: 501,
  code: "not_implemented",
  message:
    "This server runs programs and draws no pictures: it has no image model. POST /execute can run one that makes them."
})

export const PicturesLive = HttpApiBuilder.group(Api, "pictures", (handlers) =>
  handlers.handleRaw("draw", () => Effect.fail(unable))
)
