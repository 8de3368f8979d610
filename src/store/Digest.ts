/** The address of bytes in the content-addressed store. */
import { createHash } from "node:crypto"
import { Digest } from "../../events/Ids.js"

export const digestOf = (bytes: Uint8Array): Digest =>
  Digest.make(`sha256:${createHash("sha256").update(bytes).digest("hex")}`)
