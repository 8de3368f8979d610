/** The one way to write a JSON value as text (RFC 8785): sorted keys, no white space, numbers and strings as ECMAScript writes them. */
import type { Json, JsonObject } from "../../events/Versioned.js"

/**
 * Throws a TypeError for what is not JSON (undefined, NaN, infinities). A lone surrogate is written as its `\u` escape
 * where the RFC refuses it: hostile text must not be able to make an event unwritable.
 */
export const encode = (value: Json | undefined): string => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return JSON.stringify(value)
    case "number":
      return number(value)
    case "object":
      if (value === null) return "null"
      return isArray(value) ? array(value) : object(value)
    default:
      throw new TypeError(`${typeof value} is not JSON`)
  }
}

// Array.isArray does not narrow readonly arrays out of a union.
const isArray = (value: JsonObject | ReadonlyArray<Json>): value is ReadonlyArray<Json> => Array.isArray(value)

const number = (value: number): string => {
  if (!Number.isFinite(value)) throw new TypeError(`${value} is not JSON`)
  return JSON.stringify(value)
}

const array = (values: ReadonlyArray<Json>): string => {
  let text = "["
  for (let i = 0; i < values.length; i++) text += i === 0 ? encode(values[i]) : `,${encode(values[i])}`
  return `${text}]`
}

const object = (value: JsonObject): string => {
  // The default order of sort is by UTF-16 code units, which is the RFC's.
  const keys = Object.keys(value).sort()
  let text = "{"
  for (const key of keys) {
    if (text.length > 1) text += ","
    text += `${JSON.stringify(key)}:${encode(value[key])}`
  }
  return `${text}}`
}
