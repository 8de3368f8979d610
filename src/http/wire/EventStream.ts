/** One document as one server-sent event: nothing in it ends the line, for those who take Unicode's word for what does. */
import { escaped } from "../../guards/Quote.js"

export const event = (document: object): string => `data: ${escaped(JSON.stringify(document))}\n\n`

/** Shows that the line is alive. */
export const keepalive = ":keepalive\n\n"
