/** How deep a JSON text is nested, told before it is parsed: a level costs its sender one byte, and the heap sixty. */

/** Nothing in the contract is nested deeper than four. */
export const deepest = 64

const [quote, backslash] = ['"', "\\"].map((mark) => mark.charCodeAt(0))

/** After the string that begins there; its end is looked for by the engine, a program's code at a stride. */
const pastString = (text: string, from: number): number => {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === backslash) before -= 1
    if ((at - before) % 2 === 1) return at + 1
  }
  return text.length
}

/** Where it becomes too deep; undefined when it does not. Makes nothing of what is no JSON. */
export const tooDeep = (text: string): number | undefined => {
  let open = 0
  for (let at = 0; at < text.length; at += 1) {
    const mark = text.charCodeAt(at)
    if (mark === quote) at = pastString(text, at) - 1
    // [ and {, then ] and }.
    else if (mark === 0x5b || mark === 0x7b) open += 1
    else if (mark === 0x5d || mark === 0x7d) open -= 1
    if (open > deepest) return at
  }
  return undefined
}
