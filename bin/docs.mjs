/** Writes what documents are made from the code. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"

const root = new URL("../", import.meta.url)
const http = (name) => import(new URL(`dist/src/http/${name}.js`, root).href)
const { document } = await http("Decisions")
const { readme } = await http("Endpoints")

mkdirSync(new URL("docs/", root), { recursive: true })
writeFileSync(new URL("docs/DECISIONS.md", root), document())
const path = new URL("README.md", root)
writeFileSync(path, readme(readFileSync(path, "utf8")))
