/** The version of this build, as package.json has it. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Schema } from "effect"
import { home } from "../cli/Home.js"

const Package = Schema.parseJson(Schema.Struct({ version: Schema.String }))

export const { version } = Schema.decodeSync(Package)(readFileSync(join(home, "package.json"), "utf8"))
