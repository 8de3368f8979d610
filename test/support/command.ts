/** The real command line, as a script runs it. */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { expect } from "vitest"
import { home } from "../../src/cli/Home.js"

export interface Done {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const PROGRAM = join(home, "bin", "unsandbox.mjs")

export const unsandbox = (...argv: ReadonlyArray<string>) =>
  new Promise<Done>((resolve) => {
    execFile(process.execPath, [PROGRAM, ...argv], { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr })
    )
  })

/** The one JSON document on standard output. */
export const json = async (...argv: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await unsandbox(...argv, "--json")
  expect(code, stderr).toBe(0)
  expect(stdout, stderr).toMatch(/^[^\n]+\n$/)
  return JSON.parse(stdout)
}
