/** The keys group: what a caller's own key is good for. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"

const Entitlement = {
  tier: Field.count("0: this server has no tiers.", 0),
  rate_limit: Field.count("Requests a minute; 0: not limited.", 0),
  concurrency: Field.count("Programs that may run at once.", 64)
}

const KeyState = Schema.Struct({
  valid: Field.flag("The key may be used.", true),
  public_key: Field.text("The key.", "unsb-pk-test-0000-0000-0001"),
  status: Field.text("`active`.", "active"),
  ...Entitlement,
  rate_per_minute: Entitlement.rate_limit,
  burst: Field.count("Requests at once; 0: not limited.", 0),
  concurrency_limit: Entitlement.concurrency,
  expires_at: Field.time("When it expires; the year 9999 when it does not"),
  valid_through_datetime: Field.time("The same"),
  valid_for_human: Field.text("For people.", "29 days"),
  time_remaining: Field.text("For people.", "29 days")
}).annotations({ identifier: "KeyState" })
export type KeyState = typeof KeyState.Type

export class KeyGroup extends HttpApiGroup.make("keys")
  .add(
    HttpApiEndpoint.post("validate", "/keys/validate")
      .addSuccess(KeyState)
      .annotateContext(
        Field.route(
          "Is my key good?",
          "401 or 403 with `reason` `invalid_key`, `expired` or `suspended`.",
          ...Field.signed
        )
      )
  )
  .add(
    HttpApiEndpoint.get("self", "/keys/self")
      .addSuccess(Schema.Struct(Entitlement).annotations({ identifier: "KeySelf" }))
      .annotateContext(Field.route("What may my key do?", "Its limits.", ...Field.signed))
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "Your own key.") {}
