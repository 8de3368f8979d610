/** The membrane's driver conforms, as whoever runs the tests and as an ordinary user where those may have namespaces. */
import { rmSync } from "node:fs"
import { Option } from "effect"
import { afterAll, expect, it } from "vitest"
import { layer } from "../../src/substrate/local/LocalSubstrate.js"
import { conformance } from "./conformance.js"
import { asNobody, here, type Membrane } from "./membrane.js"

const suite = (name: string, { binary, data, facts }: Membrane) => {
  afterAll(() => rmSync(data, { recursive: true }))
  const weak = facts.weak.length > 0
  const host = { limited: !weak, freezes: facts.controllers.freezer !== "none" }
  conformance(name, layer({ data, binary, acceptWeak: weak }), host)
}

const own = here()
const nobody = asNobody()

it("can make containers here", () => expect(Option.isSome(own)).toBe(true))
if (Option.isSome(own)) suite("local", own.value)
if (Option.isSome(nobody)) suite("local as an ordinary user", nobody.value)
