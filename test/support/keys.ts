/** Another key of a running server, made as an operator makes it. */
import { execFileSync } from "node:child_process"
import type { Target } from "./client.js"
import type { Server } from "./server.js"

export const anotherKey = ({ data, url }: Pick<Server, "data" | "url">, ...more: ReadonlyArray<string>): Target => {
  const argv = ["bin/unsandbox.mjs", "keys", "create", "--json", "--data", data, ...more]
  const made: Readonly<Record<string, string>> = JSON.parse(
    execFileSync("node", argv, { encoding: "utf8", stdio: "pipe" })
  )
  return { url, publicKey: made.public_key ?? "", secretKey: made.secret_key ?? "" }
}
