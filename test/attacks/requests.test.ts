/** Requests that no honest client sends: each gets the answer that it deserves, and a program's result is never lost to its tricks. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { request } from "../support/client.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 2 })
}, 60_000)
afterAll(() => server.stop())

describe("a strange target", () => {
  for (const path of ["/jobs/%zz", "/jobs/%ff%fe", `/jobs/${"a".repeat(9_000)}`, "/execute%00"])
    it(`${path.slice(0, 20)} is not there`, async () => {
      const { json, status } = await request(server, "GET", path)
      expect([status, json.error]).toEqual([404, "not_found"])
    })

  it("in absolute form means its path", async () => {
    const body = { language: "bash", code: "echo here" }
    const { json, status } = await request(server, "POST", "http://elsewhere/execute", {
      body,
      sign: { path: "/execute" }
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({ success: true, stdout: "here\n" })
  })
})

describe("an input file", () => {
  it("below the program's own name is where input files are, and the program runs", async () => {
    const content = Buffer.from("inside").toString("base64")
    const body = {
      language: "bash",
      code: "cat /tmp/input/main.sh/x",
      input_files: [{ filename: "main.sh/x", content }]
    }
    const { json, status } = await request(server, "POST", "/execute", { body })
    expect(status).toBe(200)
    expect(json).toMatchObject({ success: true, stdout: "inside" })
  })
})

describe("a program that spoils its own working directory", () => {
  const tricks = [
    "cd /tmp; rm -rf work",
    "cd /tmp; rm -rf work; ln -s /etc work",
    "cd /tmp; rm -rf work; echo x > work",
    "chmod 0 /tmp/work"
  ]
  for (const trick of tricks)
    it(trick, async () => {
      const body = { language: "bash", code: `echo done; ${trick}`, return_artifact: true }
      const { json, status } = await request(server, "POST", "/execute", { body })
      expect(status).toBe(200)
      expect(json).toMatchObject({ success: true, cause: "completed", stdout: "done\n", artifacts: [] })
    })
})
