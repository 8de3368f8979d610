/** Headers as they came: node's own views of them are made anew for each request, whole. */

/** All that was said under the name, which is in lower case. */
export const valuesOf = (raw: ReadonlyArray<string>, name: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [key = "", value = ""] = [raw[at], raw[at + 1]]
    if (key.length === name.length && key.toLowerCase() === name) found.push(value)
  }
  return found
}
