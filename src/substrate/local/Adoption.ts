/** What a former control plane left in a spawner: kept containers, and others that are just ending. */
import type { Launched } from "../Substrate.js"
import { Channel } from "./Channel.js"
import type { Connection, Early } from "./Connection.js"
import { Launching } from "./Launching.js"
import type { Listed } from "./Listing.js"

export interface Adopted {
  readonly channel: Channel
  readonly label: string
  readonly frozen: boolean
  readonly launched: ReadonlyArray<Launched>
}

/** It ends by itself; what it says until then is for those who are gone. */
const disregard = (connection: Connection, container: number): void =>
  connection.attach(container, {
    lost: () => {},
    reply: ({ _tag }) => {
      if (_tag === "Gone") connection.detach(container)
    }
  })

const take = (connection: Connection, early: ReadonlyArray<Early>, of: Listed): Adopted => {
  const channel = new Channel(connection, of.container)
  channel.kept = true
  const over = early.filter(({ container }) => container === of.container).map(({ exit }) => exit)
  const numbers = [...of.execs, ...over].map(({ exec }) => exec).sort((a, b) => a - b)
  const launched = numbers.map((exec) => new Launching(channel).adopt(exec))
  for (const exit of over) channel.reply(exit)
  return { channel, label: of.label, frozen: of.state === "frozen", launched }
}

/** To be called with the listing at hand, before anything else is read: what ended meanwhile is told right behind it. */
export const adopt = (connection: Connection, listed: ReadonlyArray<Listed>): ReadonlyArray<Adopted> => {
  const early = connection.above(listed.reduce((highest, { container }) => Math.max(highest, container), 0))
  const stays = ({ kept, state }: Listed) => kept && (state === "running" || state === "frozen")
  for (const each of listed) if (!stays(each)) disregard(connection, each.container)
  return listed.filter(stays).map((each) => take(connection, early, each))
}
