/** A DNS server that is of no help: what it does with a question is told by the name that is asked for. */
import { createSocket } from "node:dgram"

export interface Nameserver {
  /** As a setting takes it. */
  readonly address: string
  readonly stop: () => Promise<void>
}

const NXDOMAIN = 0x8183

/** `silent…` has no answer, `garbled…` one that is none; of all others it says that there is no such name. */
export const start = async (): Promise<Nameserver> => {
  const socket = createSocket("udp4")
  socket.on("message", (query, { address, port }) => {
    const name = query.toString("latin1", 13)
    if (name.startsWith("silent")) return
    const answer = Buffer.from(name.startsWith("garbled") ? query.subarray(0, 2) : query)
    if (answer.length > 2) answer.writeUInt16BE(NXDOMAIN, 2)
    socket.send(Buffer.concat([answer, Buffer.alloc(name.startsWith("garbled") ? 40 : 0, 0xff)]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    stop: () => new Promise((resolve) => socket.close(() => resolve()))
  }
}
