/** The other end of the wire, written from the protocol's text: reads requests, writes replies. */

import { frame, Splitter } from "../../src/substrate/local/Frame.js"
import * as Listing from "../../src/substrate/local/Listing.js"
import { Malformed, type Reader } from "../../src/substrate/local/Reader.js"
import * as Reply from "../../src/substrate/local/Reply.js"
import { type Request, TYPE } from "../../src/substrate/local/Request.js"
import { Writer } from "../../src/substrate/local/Writer.js"

const limits = (r: Reader) => ({ memoryBytes: r.u64(), cpuMillis: r.u32(), pids: r.u32() })

const exec = (r: Reader): Request => {
  const number = r.u32()
  const bits = r.bits(15)
  const flags = { tty: (bits & 1) !== 0, stdin: (bits & 2) !== 0, final: (bits & 4) !== 0 }
  const sizes = { timeoutMillis: r.u32(), outputCap: r.u32(), columns: r.u16(), rows: r.u16() }
  const words = { cwd: r.str(), argv: r.list(), env: r.list() }
  const log = (bits & 8) === 0 ? undefined : { path: r.str(), cap: r.u64() }
  return { _tag: "Exec", exec: number, ...flags, ...sizes, ...words, log }
}

const put = (r: Reader): Request => ({
  _tag: "Put",
  path: r.str(),
  mode: r.u32(),
  append: r.bits(1) === 1,
  bytes: new Uint8Array(r.rest())
})

export const readRequest = (type: number, r: Reader): Request => {
  switch (type) {
    case TYPE.Hello:
      return { _tag: "Hello", version: r.u32() }
    case TYPE.Create:
      return { _tag: "Create", limits: { ...limits(r), tmpBytes: r.u64() }, hostname: r.str() }
    case TYPE.Limit:
      return { _tag: "Limit", limits: limits(r) }
    case TYPE.Put:
      return put(r)
    case TYPE.Exec:
      return exec(r)
    case TYPE.Stdin:
      return { _tag: "Stdin", exec: r.u32(), bytes: new Uint8Array(r.rest()) }
    case TYPE.Resize:
      return { _tag: "Resize", exec: r.u32(), columns: r.u16(), rows: r.u16() }
    case TYPE.Signal:
      return { _tag: "Signal", exec: r.u32(), signo: r.u32() }
    case TYPE.Collect:
      return { _tag: "Collect", exec: r.u32(), directory: r.str(), files: r.u32(), bytes: r.u64(), exclude: r.list() }
    case TYPE.Freeze:
      return { _tag: "Freeze" }
    case TYPE.Unfreeze:
      return { _tag: "Unfreeze" }
    case TYPE.Destroy:
      return { _tag: "Destroy" }
    case TYPE.List:
      return { _tag: "List" }
    case TYPE.Keep:
      return { _tag: "Keep", label: r.str() }
    case TYPE.Attach:
      return { _tag: "Attach", directory: r.str() }
    case TYPE.Egress:
      return { _tag: "Egress", port: r.u16(), path: r.str() }
    case TYPE.Grant:
      return { _tag: "Grant", exec: r.u32(), bytes: r.u32() }
    case TYPE.Seal:
      return { _tag: "Seal" }
    default:
      throw new Malformed(`request of type ${type}`)
  }
}

const exit = (w: Writer, r: Reply.Exit): void => {
  w.u32(r.exec)
  w.u8(Listing.HOW.indexOf(r.how))
  w.u32(r.code)
  for (const n of [r.userMicros, r.systemMicros, r.peakBytes, r.wallMicros, r.stdoutBytes, r.stderrBytes]) w.u64(n)
  w.u8((r.stdoutTruncated ? 1 : 0) | (r.stderrTruncated ? 2 : 0) | (r.oom ? 4 : 0))
}

const file = (w: Writer, r: Reply.Piece): void => {
  w.u32(r.exec)
  w.str(r.path ?? "")
  w.u32(r.mode)
  w.u64(r.size)
  w.u8(r.last ? 1 : 0)
  w.bytes(r.bytes)
}

const reasons: ReadonlyArray<string> = Reply.REASON

const gone = (w: Writer, of: Extract<Reply.Reply, { readonly _tag: "Gone" }>["gone"]): void => {
  w.u8(reasons.indexOf(of.reason))
  w.u64(of.cpuMicros)
  w.u64(of.peakBytes)
  w.u32(of.left ?? 0)
}

const listed = (w: Writer, of: Listing.Listed): void => {
  w.u32(of.container)
  w.u8(Listing.STATES.indexOf(of.state))
  w.u8(of.kept ? 1 : 0)
  w.str(of.label)
  w.str(of.hostname)
  w.u32(of.execs.length)
  for (const { code, ended, exec, how } of of.execs) {
    w.u32(exec)
    w.u8(ended ? 1 : 0)
    w.u8(Listing.HOW.indexOf(how))
    w.u32(code)
  }
}

const payload = (w: Writer, r: Reply.Reply): void => {
  switch (r._tag) {
    case "Hello":
      w.u32(r.version)
      w.str(r.facts)
      break
    case "Created":
    case "Limited":
    case "Sealed":
      w.str(r.seal)
      break
    case "Failed":
      w.u32(r.exec)
      w.u32(r.errno)
      w.str(r.stage)
      w.str(r.message)
      break
    case "Started":
      w.u32(r.exec)
      w.u32(r.pid)
      break
    case "Out":
      w.u32(r.exec)
      w.u8(Reply.STREAMS.indexOf(r.stream) + 1)
      w.bytes(r.bytes)
      break
    case "Exit":
      exit(w, r)
      break
    case "File":
      file(w, r)
      break
    case "Gone":
      gone(w, r.gone)
      break
    case "Listing":
      w.u32(r.containers.length)
      for (const each of r.containers) listed(w, each)
      break
    case "Error":
      w.str(r.message)
      break
    case "Room":
      w.u32(r.exec)
      w.u32(r.bytes)
      break
    case "Frozen":
    case "Thawed":
    case "Kept":
    case "Attached":
    case "Listening":
      break
  }
}

const ROOM = 1024 * 1024

export const writeReply = (container: number, reply: Reply.Reply): Buffer => {
  const writer = new Writer()
  frame(writer, Reply.TYPE[reply._tag], container, ROOM, (w) => payload(w, reply))
  return writer.take()
}

/** Whole frames of a byte stream, read with `read`. */
export const framesOf = <A>(read: (type: number, r: Reader) => A) => {
  const frames: Array<{ readonly container: number; readonly frame: A }> = []
  const splitter = new Splitter((type, container, r) => frames.push({ container, frame: read(type, r) }))
  return { frames, push: (chunk: Buffer) => splitter.push(chunk) }
}
