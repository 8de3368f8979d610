/** How a value is written where it stands: a placeholder is the same in all of these, a value is not. */

export type Form = "plain" | "url" | "json"

/** Values are visible ASCII, so none of this fails. */
export const written = (value: string, form: Form): string => {
  if (form === "url") return encodeURIComponent(value)
  return form === "json" ? JSON.stringify(value).slice(1, -1) : value
}

export const ofType = (type: string | undefined): Form => {
  const [media = ""] = (type ?? "").toLowerCase().split(";")
  if (media.trim() === "application/x-www-form-urlencoded") return "url"
  return /[/+]json$|[/-]ndjson$/.test(media.trim()) ? "json" : "plain"
}

/** What of it stays the same in base64, wherever in a text it begins. */
const inBase64 = (value: string): ReadonlyArray<string> =>
  [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), Buffer.from(value)])
    // Characters that hold bits of what is beside it are not its own.
    const first = Math.ceil((before * 8) / 6)
    const last = Math.floor((whole.length * 8) / 6)
    const own = whole.toString("base64").slice(first, last)
    return [own, own.replaceAll("+", "-").replaceAll("/", "_")]
  })

/** What it may come back as, each once; and each character of that in any spelling (Spelling.ts). */
export const all = (value: string): ReadonlyArray<string> => [...new Set([value, ...inBase64(value)])]
