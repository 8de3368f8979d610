/** The OpenAPI document as one page to read: plain HTML without scripts, so that it works anywhere and can do no harm. */

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)
const at = (value: unknown, ...keys: ReadonlyArray<string>): unknown =>
  keys.reduce<unknown>((inner, key) => (isJson(inner) ? inner[key] : undefined), value)
const entries = (value: unknown): ReadonlyArray<[string, unknown]> => (isJson(value) ? Object.entries(value) : [])
const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }
export const escape = (value: unknown): string =>
  String(value ?? "").replace(/[&<>"]/g, (char) => escapes[char] ?? char)
const prose = (value: unknown): string => escape(value).replace(/`([^`]+)`/g, "<code>$1</code>")

export const style = `
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
h2{margin-top:2.5rem;border-bottom:1px solid #d0d7de}details{border:1px solid #d0d7de;border-radius:6px;margin:.5rem 0}
summary{cursor:pointer;padding:.5rem .75rem}details>div{padding:0 .75rem .75rem}code{background:#f0f2f4;padding:.1em .3em;border-radius:4px}
b.m{display:inline-block;min-width:4.5rem;font-family:monospace}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.25rem .5rem;border-top:1px solid #eaeef2}small{color:#59636e}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}code{background:#21262d}}`

const resolve = (document: Json, schema: unknown): unknown => {
  const name = at(schema, "$ref")
  return typeof name === "string" ? at(document, "components", "schemas", name.split("/").at(-1) ?? "") : schema
}

const typeOf = (schema: unknown): string => {
  const name = at(schema, "$ref")
  if (typeof name === "string") return name.split("/").at(-1) ?? ""
  const [choices, items, type] = [list(at(schema, "enum")), at(schema, "items"), at(schema, "type")]
  if (choices.length > 0) return choices.map((choice) => JSON.stringify(choice)).join(" | ")
  if (items !== undefined) return `${typeOf(items)}[]`
  if (typeof type === "string") return type
  return list(at(schema, "anyOf")).map(typeOf).join(" | ") || "any"
}

const row = (name: string, schema: unknown, needed: boolean): string => {
  const [example] = list(at(schema, "examples"))
  const shown =
    example === undefined ? "" : `<br><small>for example <code>${escape(JSON.stringify(example))}</code></small>`
  const about = `${prose(at(schema, "description"))}${shown}`
  return `<tr><td><code>${escape(name)}</code>${needed ? "" : " <small>optional</small>"}</td><td>${escape(typeOf(schema))}</td><td>${about}</td></tr>`
}

const table = (rows: ReadonlyArray<string>): string =>
  rows.length === 0 ? "" : `<table><tr><th>Field</th><th>Type</th><th>Meaning</th></tr>${rows.join("")}</table>`

const fields = (document: Json, schema: unknown): string => {
  const found = resolve(document, schema)
  const required = list(at(found, "required"))
  return table(entries(at(found, "properties")).map(([name, one]) => row(name, one, required.includes(name))))
}

const contents = (document: Json, content: unknown): string =>
  entries(content)
    .map(([type, one]) => {
      const schema = at(one, "schema")
      return `<p><small>${escape(type)}</small> ${escape(typeOf(schema))}</p>${fields(document, schema)}`
    })
    .join("")

const parameters = (operation: unknown): string =>
  table(
    list(at(operation, "parameters")).map((one) =>
      row(`${at(one, "name")} (${at(one, "in")})`, at(one, "schema"), at(one, "required") === true)
    )
  )

const answers = (document: Json, operation: unknown): string =>
  entries(at(operation, "responses"))
    .map(([status, response]) => {
      const shown = Number(status) < 400 ? contents(document, at(response, "content")) : ""
      return `<h4>${escape(status)} <small>${prose(at(response, "description"))}</small></h4>${shown}`
    })
    .join("")

const operation = (document: Json, method: string, path: string, one: unknown): string => {
  const points = list(at(one, "x-decision-points")).map(escape).join(" ")
  const body = contents(document, at(one, "requestBody", "content"))
  return `<details><summary><b class="m">${escape(method.toUpperCase())}</b> <code>${escape(path)}</code> ${escape(at(one, "summary"))}</summary><div>
<p>${prose(at(one, "description"))}</p>${points === "" ? "" : `<p><small>Decision points: ${points}</small></p>`}
${parameters(one)}${body === "" ? "" : `<h4>Body</h4>${body}`}${answers(document, one)}</div></details>`
}

const group = (document: Json, tag: unknown): string => {
  const name = at(tag, "name")
  const found = entries(at(document, "paths")).flatMap(([path, methods]) =>
    entries(methods)
      .filter(([, one]) => list(at(one, "tags")).includes(name))
      .map(([method, one]) => operation(document, method, path, one))
  )
  return `<h2>${escape(name)}</h2><p>${prose(at(tag, "description"))}</p>${found.join("")}`
}

export const render = (document: Json): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(at(document, "info", "title"))}</title><style>${style}</style></head><body>
<h1>${escape(at(document, "info", "title"))} <small>${escape(at(document, "info", "version"))}</small></h1>
<p>${prose(at(document, "info", "description"))} <a href="/openapi">The document itself</a> (OpenAPI 3.1).</p>
<p>${prose(at(document, "components", "securitySchemes", "signature", "description"))}</p>
${list(at(document, "tags"))
  .map((tag) => group(document, tag))
  .join("")}</body></html>`
