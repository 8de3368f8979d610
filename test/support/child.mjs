/** Runs `main(...arguments)` of a TypeScript module in a process of its own: node child.mjs MODULE ARGUMENT… */
import { fileURLToPath } from "node:url"
import { runnerImport } from "vite"

const [module, ...rest] = process.argv.slice(2)
const root = fileURLToPath(new URL("../..", import.meta.url))
const loaded = await runnerImport(module, { root, configFile: false, logLevel: "error" })
await loaded.module.main(...rest)
