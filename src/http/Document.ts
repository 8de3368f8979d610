/** The OpenAPI 3.1 document of the API, made from its definition. */
import * as OpenApi from "@effect/platform/OpenApi"
import { Api } from "./Api.js"
import { decisions } from "./Decisions.js"

/** A signature is three headers together; the definition knows each scheme for itself. */
const headers = {
  timestamp: { type: "apiKey", name: "X-Timestamp", in: "header", description: "Unix seconds, within 300 s." },
  hmac: {
    type: "apiKey",
    name: "X-Signature",
    in: "header",
    description: "Lowercase hex HMAC-SHA256 of `timestamp:METHOD:path:body` under the secret key."
  }
} as const

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const decoding = "#/components/schemas/HttpApiDecodeError"

/** What fails to decode is told in the shape of every other error, not in the framework's. */
const rewritten = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(rewritten)
  if (!isJson(value)) return value
  if (value.description === inTheirWords) return rewritten({ ...value, description: "The request is not well-formed." })
  if (value.$ref === decoding) return { $ref: "#/components/schemas/Error" }
  // A reference with a note beside it; the note is the answer's description already.
  const { allOf } = value
  if (Array.isArray(allOf) && allOf.length === 1 && isJson(allOf[0]) && "$ref" in allOf[0]) return rewritten(allOf[0])
  if (Array.isArray(value.anyOf)) return merged(value.anyOf.map(rewritten), value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewritten(item)]))
}

const inTheirWords = "The request did not match the expected schema"

const merged = (members: ReadonlyArray<unknown>, around: Json): unknown => {
  const distinct = [...new Map(members.map((member) => [JSON.stringify(member), member])).values()]
  return distinct.length === 1 ? distinct[0] : { ...around, anyOf: distinct }
}

const secured = (operation: unknown): unknown => {
  if (!isJson(operation) || !Array.isArray(operation.security)) return operation
  const signed = operation.security.some((one) => isJson(one) && "signature" in one)
  return signed ? { ...operation, security: [{ signature: [], timestamp: [], hmac: [] }] } : operation
}

const mapped = (object: unknown, change: (value: unknown) => unknown): Json =>
  Object.fromEntries(Object.entries(isJson(object) ? object : {}).map(([key, value]) => [key, change(value)]))

export const make = (): Json => {
  const spec: unknown = rewritten(
    JSON.parse(JSON.stringify(OpenApi.fromApi(Api, { additionalPropertiesStrategy: "allow" })))
  )
  if (!isJson(spec) || !isJson(spec.components)) return {}
  const {
    HttpApiDecodeError: _,
    Issue: __,
    PropertyKey: ___,
    ...schemas
  } = mapped(spec.components.schemas, (one) => one)
  return {
    ...spec,
    "x-decisions": decisions(),
    paths: mapped(spec.paths, (path) => mapped(path, secured)),
    components: {
      schemas,
      securitySchemes: { ...mapped(spec.components.securitySchemes, (one) => one), ...headers }
    }
  }
}
