import { describe, it } from "vitest"
import * as Key from "../../actors/key/Key.js"
import { PublicKey } from "../../events/Ids.js"
import type { KeyEvent } from "../../events/Key.js"
import { keyCreated } from "../support/births.js"
import { spec } from "../support/given.js"

const key = PublicKey.make("unsb-pk-test-0000-0000-0001")
const { _tag: _, ...birth } = keyCreated(key, { label: "ci" })
const created: KeyEvent = keyCreated(key, birth)
const suspended: KeyEvent = { _tag: "KeySuspended", key, reason: "leaked" }
const resumed: KeyEvent = { _tag: "KeyResumed", key }
const revoked: KeyEvent = { _tag: "KeyRevoked", key, reason: "leaked" }

const { Create, Resume, Revoke, Suspend } = Key.Command
const given = spec(Key)

describe("key", () => {
  it("is created once", () =>
    given()
      .when(Create({ created: birth }))
      .gives(created))
  it("is not created twice", () =>
    given(created)
      .when(Create({ created: birth }))
      .rejects())
  it("is suspended", () =>
    given(created)
      .when(Suspend({ reason: "leaked" }))
      .gives(suspended))
  it("is resumed", () => given(created, suspended).when(Resume()).gives(resumed))
  it("is not resumed when active", () => given(created).when(Resume()).rejects())
  it("is revoked when active", () =>
    given(created)
      .when(Revoke({ reason: "leaked" }))
      .gives(revoked))
  it("is revoked when suspended", () =>
    given(created, suspended)
      .when(Revoke({ reason: "leaked" }))
      .gives(revoked))
  it("is never resumed after that", () => given(created, suspended, revoked).when(Resume()).rejects())
  it("is not revoked unborn", () =>
    given()
      .when(Revoke({ reason: "leaked" }))
      .rejects())
})
