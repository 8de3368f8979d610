/** A process that takes the root keys out of its environment, and prints where they can still be found. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { inspect } from "node:util"
import { take } from "../../src/store/secrets/RootKeyEnvironment.js"

/** The needle comes backwards, so that what is found is not this argument. */
export const main = (backwards: string): void => {
  const needle = [...backwards].reverse().join("")
  const offered = take(process.env)
  const child = execFileSync("/usr/bin/env", { encoding: "latin1" })
  const environ = readFileSync("/proc/self/environ", "latin1")
  const told = `${inspect(offered, { depth: 9 })}${JSON.stringify(offered)}${String(offered.current)}`
  const found = [child, environ, told, JSON.stringify(process.env)].map((text) => text.includes(needle))
  const kept = environ.includes("BESIDE=it\0") && child.includes("BESIDE=it\n")
  console.log(JSON.stringify({ found, kept, exposed: offered.exposed ?? null }))
}
