/** The signature that clients send, and the curl line that makes it with openssl alone. */
import { execFileSync } from "node:child_process"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "vitest"
import { sign } from "../../src/cli/Client.js"
import { curl } from "../../src/cli/commands/Serve.js"

describe("sign", () => {
  it("is the HMAC that openssl computes", () => {
    const message = '1700000000:POST:/execute:{"language":"bash","code":"echo \'ü\'"}'
    const [digest] = execFileSync("openssl", ["dgst", "-sha256", "-hmac", "unsb-sk-a", "-r"], { input: message })
      .toString()
      .split(" ")
    expect(sign("unsb-sk-a", 1_700_000_000, "POST", "/execute", message.slice(message.indexOf("{")))).toBe(digest)
  })
})

describe("the curl line", () => {
  it("sends, pasted into a shell, a request whose signature is right", async () => {
    const seen = new Promise<{ readonly body: string; readonly headers: NodeJS.Dict<string | string[]> }>((resolve) => {
      const server = createServer((request, response) => {
        let body = ""
        request.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk
        })
        request.on("end", () => {
          response.end("{}")
          server.close()
          resolve({ body, headers: request.headers })
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        const line = curl(`http://127.0.0.1:${port}`, "unsb-pk-abcd", "unsb-sk-secret")
        import("node:child_process").then(({ exec }) => exec(line, { shell: "/bin/sh" }))
      })
    })
    const { body, headers } = await seen
    expect(JSON.parse(body)).toEqual({ language: "bash", code: "echo $((6*7))" })
    expect(headers.authorization).toBe("Bearer unsb-pk-abcd")
    expect(headers["x-signature"]).toBe(
      sign("unsb-sk-secret", Number(headers["x-timestamp"]), "POST", "/execute", body)
    )
  })
})
