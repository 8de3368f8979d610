/** The end of a connection whose visitor is told all there is to say: what still comes from there is read, and not for long. */
import type { Socket } from "node:net"

const MILLIS = 1_000

/** From when all is written; an end that stays unread would keep the connection for ever. */
export const after = (visitor: Socket): void => {
  visitor.resume().once("finish", () => {
    const late = setTimeout(() => visitor.destroy(), MILLIS)
    visitor.once("close", () => clearTimeout(late))
  })
}
