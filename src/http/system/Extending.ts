/** The page behind a client's link to extend a key: nothing is sold here, and no key is looked up. */

import { Schema } from "effect"
import { PublicKey } from "../../../events/Ids.js"
import { escape, style } from "../Page.js"

const isKey = Schema.is(PublicKey)

/** What does not look like a key is not shown: a page with somebody else's words on it could be a trap. */
export const render = (pk: string | undefined): string => {
  const shown = isKey(pk) ? `<p>The key: <code>${escape(pk)}</code></p>` : ""
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Extend a key</title><style>${style}</style></head><body><h1>Extend a key</h1>${shown}
<p>Keys of this server are given by whoever runs it, and none can be bought or extended on this page. Ask your
operator to extend yours; it takes one command: <code>unsandbox keys extend KEY --expires 30d</code>.</p>
<p>Whether a key is still good, and until when, <code>POST /keys/validate</code> tells its owner.</p></body></html>`
}
