/** The keys group: what a caller's own key is good for. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Scope } from "../../../events/Grants.js"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"

const Scopes = Schema.Array(Scope).annotations({ description: "What it may be used for.", examples: [["execute"]] })

/** Of the key and of all above it, the narrowest. */
const Entitlement = {
  tier: Field.count("1 to 32; 0: none that is sold.", 3),
  tier_name: Field.text("`free`, `1` to `32`, or `unlimited`.", "3"),
  rate_limit: Field.count("Requests that begin work, a minute.", 21),
  burst: Field.count("As many of them at once.", 21),
  concurrency: Field.count("Executions, sessions, running services and boosts share these.", 1),
  vcpu: Field.count("Virtual CPUs of one container.", 1),
  ttl: Field.count("Seconds that a program may run.", 900),
  services: Field.count("Services that it may keep.", 12),
  snapshots: Field.count("Snapshots that it may keep.", 48),
  images: Field.count("Images that it may keep.", 24),
  kept_bytes: Field.count("Bytes that it may keep.", 25_769_803_776),
  scopes: Scopes,
  confirm: Field.text("Which of its calls wait for a person: `on`, `off` or `always`.", "on"),
  generation: Schema.optional(Field.count("Of a child key: how far below the first key of its line it is.", 1))
}

const KeyState = Schema.Struct({
  valid: Field.flag("The key may be used.", true),
  public_key: Field.text("The key.", "unsb-pk-test-0000-0000-0001"),
  status: Field.text("`active`.", "active"),
  ...Entitlement,
  rate_per_minute: Entitlement.rate_limit,
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
