import { describe, it } from "vitest"
import * as Name from "../../../actors/name/Name.js"
import type { NameEvent } from "../../../events/Name.js"
import { spec } from "../../support/given.js"
import { another, owner, service, stranger } from "./facts.js"

const given = spec(Name)
const { Claim, Release } = Name.Command
const claimed: NameEvent = { _tag: "NameClaimed", name: "shop", service, owner }
const released: NameEvent = { _tag: "NameReleased", name: "shop", service }

describe("a name", () => {
  it("is claimed once", () =>
    given()
      .when(Claim({ name: "shop", service, owner }))
      .gives(claimed))
  it("is not another's while it is claimed", () =>
    given(claimed)
      .when(Claim({ name: "shop", service: another, owner: stranger }))
      .rejects())
  it("may be claimed again by whoever has it", () =>
    given(claimed)
      .when(Claim({ name: "shop", service, owner }))
      .gives())
  it("is released by whoever has it", () => given(claimed).when(Release({ service })).gives(released))
  it("is not released by others", () =>
    given(claimed)
      .when(Release({ service: another }))
      .gives())
  it("is free again after that", () =>
    given(claimed, released)
      .when(Claim({ name: "shop", service: another, owner: stranger }))
      .gives({ _tag: "NameClaimed", name: "shop", service: another, owner: stranger }))
})
