/** The membrane's driver on this machine. */
import { mkdtempSync } from "node:fs"
import { layer } from "../../src/substrate/local/LocalSubstrate.js"
import { conformance } from "./conformance.js"

conformance("local", layer({ data: mkdtempSync("/tmp/unsandbox-test-"), acceptWeak: false }), { limited: true })
