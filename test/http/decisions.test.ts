/** What is told of the decision points is what they do. */
import { readdirSync, readFileSync } from "node:fs"
import * as HttpApi from "@effect/platform/HttpApi"
import { describe, expect, it } from "vitest"
import { catalogue } from "../../src/guards/Catalogue.js"
import { denials } from "../../src/guards/Denials.js"
import { Api } from "../../src/http/Api.js"
import { decisions, document } from "../../src/http/Decisions.js"
import * as Document from "../../src/http/Document.js"
import { readme } from "../../src/http/Endpoints.js"

const root = new URL("../../", import.meta.url)
const textOf = (path: string) => readFileSync(new URL(path, root), "utf8")

const sources = ["src/guards", "src/http", "actors"].flatMap((room) =>
  readdirSync(new URL(room, root), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith("Denials.ts"))
    .map((path) => textOf(`${room}/${path}`))
)

const routes: Array<string> = []
HttpApi.reflect(Api, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint: { method, path } }) => routes.push(`${method} ${path.replace(/:(\w+)/g, "{$1}")}`)
})

describe("the decision points", () => {
  it("are 26", () => {
    expect(Object.keys(catalogue)).toHaveLength(26)
  })

  it("are told with every code that their modules write, and with none that nobody writes", () => {
    for (const text of sources) {
      const point = /Permit\.guard\("(D\d\d)"/.exec(text)?.[1] ?? (/= wellformed[<(]/.test(text) ? "D11" : undefined)
      if (point === undefined) continue
      const written = [...text.matchAll(/(?:code: |refuse\(|const code = )"([a-z_]+)"/g)].map(([, code]) => code)
      const known = Object.keys(denials[point as keyof typeof denials].codes)
      expect(
        written.filter((code) => code !== "uncertain" && !known.includes(String(code))),
        point
      ).toEqual([])
    }
    const all = sources.join("\n")
    for (const [point, { codes }] of Object.entries(denials))
      for (const code of Object.keys(codes)) {
        const [head = "", tail = ""] = [code.replace(/[a-z]+$/, ""), code.replace(/^[a-z]+/, "")]
        // Some are put together: `unknown_${what}`, `${what}_unavailable`.
        const ways = [`"${code}"`, `\`${head}\${`, `}${tail}\``]
        expect(
          ways.some((way) => all.includes(way)),
          `${point} ${code}`
        ).toBe(true)
      }
  })

  it("are listed with their routes in the OpenAPI document", () => {
    const listed = Document.make()["x-decisions"]
    expect(listed).toEqual(decisions())
    const destroying = decisions().find(({ point }) => point === "D21")?.routes
    for (const route of ["DELETE /services/{id}", "POST /images/{id}/unlock", "DELETE /snapshots/{id}"])
      expect(destroying).toContain(route)
  })

  it("are written down in docs/DECISIONS.md as they are: `npm run docs` makes it anew", () => {
    expect(textOf("docs/DECISIONS.md")).toBe(document())
  })
})

it("every endpoint of the definition is in the README's table: `npm run docs` makes it anew", () => {
  const text = textOf("README.md")
  expect(readme(text)).toBe(text)
  for (const route of routes) expect(text, route).toContain(`| \`${route}\` |`)
})
