/** Frames from the spawner. */
import { isUtf8 } from "node:buffer"
import type { Exited, Gone } from "../Substrate.js"
import * as Listing from "./Listing.js"
import { Malformed, type Reader } from "./Reader.js"

export interface Out {
  readonly _tag: "Out"
  readonly exec: number
  readonly stream: "stdout" | "stderr"
  /** A view: copy what is kept. */
  readonly bytes: Buffer
}

export interface Exit extends Exited {
  readonly _tag: "Exit"
  readonly exec: number
}

export interface Piece {
  readonly _tag: "File"
  readonly exec: number
  /** Undefined: a name that is not UTF-8. Tenants choose names, so that is no fault of the spawner. */
  readonly path: string | undefined
  readonly mode: number
  readonly size: number
  readonly last: boolean
  readonly bytes: Buffer
}

export interface Failed {
  readonly _tag: "Failed"
  /** 0: the container or the frame itself. */
  readonly exec: number
  readonly errno: number
  readonly stage: string
  readonly message: string
}

export type Reply =
  | { readonly _tag: "Hello"; readonly version: number; readonly facts: string }
  | { readonly _tag: "Created" | "Limited" | "Sealed"; readonly seal: string }
  | Failed
  | { readonly _tag: "Started"; readonly exec: number; readonly pid: number }
  | Out
  | Exit
  | Piece
  | { readonly _tag: "Gone"; readonly gone: Gone }
  | { readonly _tag: "Frozen" | "Thawed" | "Kept" | "Attached" | "Listening" }
  | { readonly _tag: "Listing"; readonly containers: ReadonlyArray<Listing.Listed> }
  | { readonly _tag: "Error"; readonly message: string }
  | { readonly _tag: "Room"; readonly exec: number; readonly bytes: number }

export const TYPE = {
  Hello: 0x81,
  Created: 0x82,
  Failed: 0x83,
  Limited: 0x84,
  Started: 0x85,
  Out: 0x86,
  Exit: 0x87,
  File: 0x88,
  Gone: 0x89,
  Frozen: 0x8a,
  Thawed: 0x8b,
  Listing: 0x8c,
  Error: 0x8d,
  Room: 0x8e,
  Kept: 0x8f,
  Sealed: 0x90,
  Attached: 0x91,
  Listening: 0x92
} as const satisfies Record<Reply["_tag"], number>

export const STREAMS = ["stdout", "stderr"] as const
export const REASON = ["asked", "died", "timed-out", "oom", "shutdown"] as const

const exit = (r: Reader): Exit => {
  const known = {
    _tag: "Exit",
    exec: r.u32(),
    how: r.nth(Listing.HOW, r.u8(), "way to end"),
    code: r.u32(),
    userMicros: r.u64(),
    systemMicros: r.u64(),
    peakBytes: r.u64(),
    wallMicros: r.u64(),
    stdoutBytes: r.u64(),
    stderrBytes: r.u64()
  } as const
  const bits = r.bits(7)
  return {
    ...known,
    stdoutTruncated: (bits & 1) !== 0,
    stderrTruncated: (bits & 2) !== 0,
    oom: (bits & 4) !== 0
  }
}

const inside = (path: string): boolean =>
  !path.startsWith("/") && path.split("/").every((part) => part !== "" && part !== "." && part !== "..")

const file = (r: Reader): Piece => {
  const exec = r.u32()
  const name = r.piece()
  const path = isUtf8(name) ? name.toString() : undefined
  if (path !== undefined && !inside(path)) throw new Malformed("a collected path that leaves its directory")
  return { _tag: "File", exec, path, mode: r.u32(), size: r.u64(), last: r.flag(), bytes: r.rest() }
}

const gone = (r: Reader): Reply => ({
  _tag: "Gone",
  gone: { reason: r.nth(REASON, r.u8(), "reason to go"), cpuMicros: r.u64(), peakBytes: r.u64(), left: r.u32() }
})

export const read = (type: number, r: Reader): Reply => {
  switch (type) {
    case TYPE.Out:
      return { _tag: "Out", exec: r.u32(), stream: r.nth(STREAMS, r.u8() - 1, "stream"), bytes: r.rest() }
    case TYPE.Started:
      return { _tag: "Started", exec: r.u32(), pid: r.u32() }
    case TYPE.Exit:
      return exit(r)
    case TYPE.Created:
      return { _tag: "Created", seal: r.str() }
    case TYPE.Gone:
      return gone(r)
    case TYPE.File:
      return file(r)
    case TYPE.Failed:
      return { _tag: "Failed", exec: r.u32(), errno: r.u32(), stage: r.text(), message: r.text() }
    case TYPE.Room:
      return { _tag: "Room", exec: r.u32(), bytes: r.u32() }
    case TYPE.Limited:
      return { _tag: "Limited", seal: r.str() }
    case TYPE.Frozen:
      return { _tag: "Frozen" }
    case TYPE.Thawed:
      return { _tag: "Thawed" }
    case TYPE.Kept:
      return { _tag: "Kept" }
    case TYPE.Sealed:
      return { _tag: "Sealed", seal: r.str() }
    case TYPE.Attached:
      return { _tag: "Attached" }
    case TYPE.Listening:
      return { _tag: "Listening" }
    case TYPE.Hello:
      return { _tag: "Hello", version: r.u32(), facts: r.str() }
    case TYPE.Listing:
      return { _tag: "Listing", containers: Listing.read(r) }
    case TYPE.Error:
      return { _tag: "Error", message: r.text() }
    default:
      throw new Malformed(`reply of type ${type}`)
  }
}
