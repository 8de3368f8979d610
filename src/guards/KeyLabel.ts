/** D11 on what a key is called, for people: short enough to stand in a table. */
import { Either } from "effect"
import { written } from "./Fact.js"
import { bad } from "./Order.js"
import { wellformed } from "./RequestWellformed.js"

const LABEL_CHARACTERS = 200

interface Labelled {
  readonly label: string
}

/** In UTF-16 units first: what is far too long is not taken apart to be counted. */
const isShort = (label: string): boolean =>
  label.length <= LABEL_CHARACTERS || (label.length <= 2 * LABEL_CHARACTERS && [...label].length <= LABEL_CHARACTERS)

export const labelWellformed = wellformed<Labelled, Labelled>({ label: written }, ({ label }) =>
  isShort(label)
    ? Either.right({ label })
    : bad("label", `The label is too long: ${LABEL_CHARACTERS} characters are allowed.`, "invalid_parameter")
)
