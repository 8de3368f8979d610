/** The membrane's driver conforms, as whoever runs the tests and as an ordinary user where those may have namespaces. */
import { chownSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { Option } from "effect"
import { afterAll, expect, it } from "vitest"
import { layer } from "../../src/substrate/local/LocalSubstrate.js"
import { conformance } from "./conformance.js"
import { asNobody, here, type Membrane } from "./membrane.js"

const suite = (name: string, { binary, data, facts, user }: Membrane) => {
  afterAll(() => rmSync(data, { recursive: true }))
  const weak = facts.weak.length > 0
  const directory = () => {
    const made = mkdtempSync(join(data, "d-"))
    chownSync(made, user, user)
    return made
  }
  const host = { limited: !weak, freezes: facts.controllers.freezer !== "none", directory }
  conformance(name, layer({ data, binary, acceptWeak: weak }), host)
}

const own = here()
const nobody = asNobody()

it("can make containers here", () => expect(Option.isSome(own)).toBe(true))
if (Option.isSome(own)) suite("local", own.value)
if (Option.isSome(nobody)) suite("local as an ordinary user", nobody.value)
