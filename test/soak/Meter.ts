/** How large the server and the spawner are, seen from outside and, for the heap, by the runtime's own inspector. */
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import WebSocket from "ws"
import { spawnerOf } from "../support/leftovers.js"
import type { Server } from "../support/server.js"

/** For `NODE_OPTIONS` of a server that is measured: any free port of this host. */
export const inspected = "--inspect=127.0.0.1:0"

const statusOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8")
  } catch {
    return ""
  }
}

export const rssMib = (pid: number | undefined): number =>
  pid === undefined ? 0 : Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(statusOf(pid))?.[1] ?? 0) / 1_024)

export const descriptors = (pid: number | undefined): number => {
  try {
    return pid === undefined ? 0 : readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}

export interface Size {
  readonly heapMib: number
  readonly rssMib: number
  readonly descriptors: number
  readonly timers: number
  readonly spawnerMib: number
  readonly spawnerDescriptors: number
}

const asked = (socket: WebSocket, id: number, method: string, params: object): Promise<unknown> =>
  new Promise((resolve) => {
    const hear = (data: WebSocket.RawData) => {
      const answer: { id?: number; result?: { result?: { value?: unknown } } } = JSON.parse(String(data))
      if (answer.id !== id) return
      socket.off("message", hear)
      resolve(answer.result?.result?.value)
    }
    socket.on("message", hear)
    socket.send(JSON.stringify({ id, method, params }))
  })

const expression =
  "JSON.stringify({ heap: process.memoryUsage().heapUsed, timers: process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length })"

/** What is left after everything that nobody holds is collected; anything else is noise. */
const collected = async (inspector: string): Promise<{ readonly heap: number; readonly timers: number }> => {
  const socket = new WebSocket(inspector)
  try {
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject))
    for (const turn of [1, 2, 3]) {
      await asked(socket, turn, "HeapProfiler.collectGarbage", {})
      await sleep(300)
    }
    return JSON.parse(String(await asked(socket, 9, "Runtime.evaluate", { expression })))
  } finally {
    socket.terminate()
  }
}

export const inspectorOf = (server: Server): string => /ws:\/\/\S+/.exec(server.stderr())?.[0] ?? ""

export const size = async (server: Server, inspector: string): Promise<Size> => {
  const { heap, timers } = await collected(inspector)
  const spawner = spawnerOf(server.data)
  return {
    heapMib: Math.round(heap / 1_048.576) / 1_000,
    rssMib: rssMib(server.pid),
    descriptors: descriptors(server.pid),
    timers,
    spawnerMib: rssMib(spawner),
    spawnerDescriptors: descriptors(spawner)
  }
}
