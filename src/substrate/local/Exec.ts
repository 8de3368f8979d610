/** The frame that starts a command. */
import type { Command, ProcessOptions } from "../Substrate.js"
import type { Exec } from "./Request.js"

const variables = (env: Command["env"]): ReadonlyArray<string> => {
  const list: Array<string> = []
  for (const name of Object.keys(env)) list.push(`${name}=${env[name]}`)
  return list
}

export const request = (command: Command, options: ProcessOptions, exec: number): Exec => ({
  _tag: "Exec",
  exec,
  tty: options.tty !== undefined,
  stdin: options.stdin,
  final: command.final,
  timeoutMillis: command.timeoutMillis,
  outputCap: command.outputCap,
  columns: options.tty?.columns ?? 0,
  rows: options.tty?.rows ?? 0,
  cwd: command.cwd,
  argv: command.argv,
  env: variables(command.env)
})
