/** Writes what documents are made from the code. */
import { mkdirSync, writeFileSync } from "node:fs"

const root = new URL("../", import.meta.url)
const { document } = await import(new URL("dist/src/http/Decisions.js", root).href)
mkdirSync(new URL("docs/", root), { recursive: true })
writeFileSync(new URL("docs/DECISIONS.md", root), document())
