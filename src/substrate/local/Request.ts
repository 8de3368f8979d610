/** Frames to the spawner. */
import type { Limits } from "../Substrate.js"
import * as Exec from "./Exec.js"
import { frame } from "./Frame.js"
import { room, roomOf, type Writer } from "./Writer.js"

export interface Put {
  readonly _tag: "Put"
  readonly path: string
  readonly mode: number
  readonly append: boolean
  readonly bytes: Uint8Array
}

interface Collect {
  readonly _tag: "Collect"
  readonly exec: number
  readonly directory: string
  readonly files: number
  readonly bytes: number
  readonly exclude: ReadonlyArray<string>
}

export type Request =
  | { readonly _tag: "Hello"; readonly version: number }
  | { readonly _tag: "Create"; readonly limits: Limits; readonly hostname: string }
  | { readonly _tag: "Limit"; readonly limits: Omit<Limits, "tmpBytes"> }
  | Put
  | Exec.Exec
  | { readonly _tag: "Stdin"; readonly exec: number; readonly bytes: Uint8Array }
  | { readonly _tag: "Resize"; readonly exec: number; readonly columns: number; readonly rows: number }
  | { readonly _tag: "Signal"; readonly exec: number; readonly signo: number }
  | Collect
  | { readonly _tag: "Keep"; readonly label: string }
  | { readonly _tag: "Attach"; readonly directory: string }
  | { readonly _tag: "Egress"; readonly port: number; readonly path: string }
  | { readonly _tag: "Grant"; readonly exec: number; readonly bytes: number }
  | { readonly _tag: "Freeze" | "Unfreeze" | "Destroy" | "List" | "Seal" }

export const TYPE = {
  Hello: 0x01,
  Create: 0x02,
  Limit: 0x03,
  Put: 0x04,
  Exec: 0x05,
  Stdin: 0x06,
  Resize: 0x07,
  Signal: 0x08,
  Collect: 0x09,
  Freeze: 0x0a,
  Unfreeze: 0x0b,
  Destroy: 0x0c,
  List: 0x0d,
  Keep: 0x0f,
  Attach: 0x10,
  Egress: 0x12,
  Seal: 0x14,
  Grant: 0x15
} as const satisfies Record<Request["_tag"], number>

const limits = (w: Writer, of: Omit<Limits, "tmpBytes">): void => {
  w.u64(of.memoryBytes)
  w.u32(of.cpuMillis)
  w.u32(of.pids)
}

const collect = (w: Writer, r: Collect): void => {
  w.u32(r.exec)
  w.str(r.directory)
  w.u32(r.files)
  w.u64(r.bytes)
  w.list(r.exclude)
}

/** An upper bound of the payload, without the bytes at its end. */
const bound = (r: Request): number => {
  switch (r._tag) {
    case "Create":
      return 64 + room(r.hostname)
    case "Put":
      return 64 + room(r.path)
    case "Exec":
      return Exec.bound(r)
    case "Collect":
      return 64 + room(r.directory) + roomOf(r.exclude)
    case "Keep":
      return 64 + room(r.label)
    case "Attach":
      return 64 + room(r.directory)
    case "Egress":
      return 64 + room(r.path)
    default:
      return 64
  }
}

const payload = (w: Writer, r: Request): void => {
  switch (r._tag) {
    case "Hello":
      w.u32(r.version)
      break
    case "Create":
      limits(w, r.limits)
      w.u64(r.limits.tmpBytes)
      w.str(r.hostname)
      break
    case "Limit":
      limits(w, r.limits)
      break
    case "Put":
      w.str(r.path)
      w.u32(r.mode)
      w.u8(r.append ? 1 : 0)
      break
    case "Exec":
      Exec.write(w, r)
      break
    case "Stdin":
      w.u32(r.exec)
      break
    case "Resize":
      w.u32(r.exec)
      w.u16(r.columns)
      w.u16(r.rows)
      break
    case "Signal":
      w.u32(r.exec)
      w.u32(r.signo)
      break
    case "Collect":
      collect(w, r)
      break
    case "Keep":
      w.str(r.label)
      break
    case "Attach":
      w.str(r.directory)
      break
    case "Egress":
      w.u16(r.port)
      w.str(r.path)
      break
    case "Grant":
      w.u32(r.exec)
      w.u32(r.bytes)
      break
    case "Freeze":
    case "Unfreeze":
    case "Destroy":
    case "List":
    case "Seal":
      break
  }
}

/** The bytes that end the frame: the caller sends them after what is written here, so that they need no copy. */
export const tail = (r: Request): Uint8Array | undefined =>
  r._tag === "Put" || r._tag === "Stdin" ? r.bytes : undefined

export const write = (writer: Writer, container: number, r: Request): void =>
  frame(writer, TYPE[r._tag], container, bound(r), (w) => payload(w, r), tail(r)?.length ?? 0)
