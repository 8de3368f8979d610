/** What a caller wrote, fit to stand in a message: quoted, cut, and nothing in it that moves a cursor or splits a line. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u

const EACH = new RegExp(CONTROL.source, "gu")

export const legible = (text: string): string => text.slice(0, 80).replace(EACH, "\ufffd")

export const quote = (text: string): string => JSON.stringify(legible(text))
