/** The files of the root key brought in line with its generations: what is retired is destroyed, and the newest takes its name. */
import { DataRefused } from "../../log/Database.js"
import * as KeyFile from "../../log/KeyFile.js"
import { fileIn, holderOf, loadFile, nextIn, type Ring } from "./RootKeyRing.js"

/** Whether the generation of this key, if it is one, is retired; undefined when the store never knew it. */
const retired = ({ generations }: Ring, identity: string): boolean | undefined => {
  const found = generations.find((one) => one.identity === identity)
  return found === undefined ? undefined : found.retired === 1
}

const takeName = (data: string, ring: Ring): void => {
  const [file, next] = [fileIn(data), nextIn(data)]
  const former = loadFile(file)
  const fate = former === undefined ? true : retired(ring, former.root.identity)
  if (fate === undefined)
    throw new DataRefused({ path: file, reason: `it is another store's, and ${next} is this one's: move it away` })
  if (fate) KeyFile.replace(next, file)
}

/** Only what the store itself retired, or never came to use, is destroyed. Safe to repeat, and after a crash at any point. */
export const settle = (data: string, ring: Ring): void => {
  const [file, next] = [fileIn(data), nextIn(data)]
  if (holderOf(ring)?.place === next) {
    takeName(data, ring)
    return
  }
  const [former, waiting] = [loadFile(file), loadFile(next)]
  if (former !== undefined && retired(ring, former.root.identity) === true) KeyFile.destroy(file)
  if (waiting !== undefined && retired(ring, waiting.root.identity) !== false) KeyFile.destroy(next)
}
