/** A small DNS server of the test's own: it answers A and AAAA from a table that may change, or keeps silent. */
import { createSocket, type Socket } from "node:dgram"
import { isIPv4 } from "node:net"
import { Effect } from "effect"

export interface Nameserver {
  /** As a resolver setting takes it. */
  readonly address: string
  readonly asked: () => number
}

export type Answers = (name: string, asked: number) => ReadonlyArray<string> | "silence"

const nameIn = (query: Buffer): { readonly name: string; readonly end: number } => {
  const labels: Array<string> = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join(".").toLowerCase(), end: at + 5 }
}

const bytesOf = (address: string): Buffer => {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number))
  const [head = "", tail] = address.split("::")
  const groups = (text: string) => (text === "" ? [] : text.split(":"))
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: missing }, () => "0"), ...groups(tail ?? "")]
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex")
}

const answer = (query: Buffer, end: number, addresses: ReadonlyArray<string>): Buffer => {
  const type = query.readUInt16BE(end - 4)
  const records = addresses
    .filter((address) => isIPv4(address) === (type === 1))
    .map((address) => {
      const data = bytesOf(address)
      const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length])
      return Buffer.concat([head, data])
    })
  const head = Buffer.from(query.subarray(0, 12))
  head.writeUInt16BE(addresses.length === 0 ? 0x8183 : 0x8180, 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, query.subarray(12, end), ...records])
}

const started = (answers: Answers) =>
  Effect.async<readonly [Socket, Nameserver]>((resume) => {
    let asked = 0
    const socket = createSocket("udp4")
    socket.on("message", (query, from) => {
      const { end, name } = nameIn(query)
      const found = answers(name, asked)
      asked += 1
      if (found !== "silence") socket.send(answer(query, end, found), from.port, from.address)
    })
    socket.bind(0, "127.0.0.1", () =>
      resume(Effect.succeed([socket, { address: `127.0.0.1:${socket.address().port}`, asked: () => asked }]))
    )
  })

export const nameserver = (answers: Answers) =>
  Effect.map(
    Effect.acquireRelease(started(answers), ([socket]) => Effect.sync(() => socket.close())),
    ([, server]) => server
  )
