/** What a caller wrote, fit to stand in a message: quoted, cut, and nothing in it that moves a cursor or splits a line. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u

const EACH = new RegExp(CONTROL.source, "gu")

export const legible = (text: string): string => text.slice(0, 80).replace(EACH, "\ufffd")

export const quote = (text: string): string => JSON.stringify(legible(text))

/** Besides, what turns the direction of the text after it. */
const UNSEEN = new RegExp(`${CONTROL.source}|[\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]`, "gu")

/** All of it, on one line; what is not to be seen is told by its number, which in JSON is the same text. */
export const escaped = (text: string): string =>
  text.replace(UNSEEN, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
