/** What is told of a session: every key that some client reads, never a null, nothing nested in a list's items. */
import { isUtf8 } from "node:buffer"
import type { Executed } from "../../../actors/session/Sessions.js"
import type { SessionView } from "../../projections/SessionTable.js"
import { iso } from "../Moment.js"
import type { Large } from "../wire/Large.js"
import type { Session } from "./SessionShapes.js"

interface About {
  readonly nowMillis: number
  /** Microseconds since 1970; undefined: the log's last word of it. */
  readonly activeAt: number | undefined
  readonly websocketUrl: string
  readonly memoryMbPerVcpu: number
}

const statuses = { starting: "starting", running: "running", frozen: "frozen", ended: "terminated" } as const

const statusOf = ({ rest, status }: SessionView): string => {
  if (status !== "stopped") return statuses[status]
  return rest === "deep-frozen" ? "frozen" : "restoring"
}

/** 0 would mean no limit. */
const remaining = (expiresAt: number | null, nowMillis: number): number =>
  expiresAt === null ? 0 : Math.max(1, Math.ceil((expiresAt / 1_000 - nowMillis) / 1_000))

const holdOf = ({ hold }: SessionView) => (hold === null ? {} : { frozen_cause: hold.cause, reason: hold.reason })

const times = ({ createdAt, ended, expiresAt, startedAt, updatedAt }: SessionView, { activeAt = 0 }: About) => ({
  created_at: iso(createdAt),
  ...(startedAt === null ? {} : { started_at: iso(startedAt) }),
  last_activity: iso(Math.max(activeAt, updatedAt)),
  ...(expiresAt === null ? {} : { expires_at: iso(expiresAt) }),
  ...(ended === null ? {} : { ended_at: iso(ended.at), cause: ended.cause }),
  ...(ended === null || ended.exitCode === null ? {} : { exit_code: ended.exitCode })
})

export const session = (view: SessionView, about: About): Session => {
  const status = statusOf(view)
  const vcpu = view.boost ?? view.vcpu
  const { multiplexer } = view
  return {
    id: view.session,
    session_id: view.session,
    container_name: view.container ?? "",
    shell: view.shell,
    status,
    state: status,
    network_mode: view.network,
    ...(multiplexer === null ? {} : { multiplexer, persistence: multiplexer }),
    vcpu,
    memory_mb: vcpu * about.memoryMbPerVcpu,
    boosted: view.boost !== null,
    locked: view.locked,
    audit: view.audit !== "none",
    deep_frozen: view.rest === "deep-frozen",
    remaining_ttl: view.ended === null ? remaining(view.expiresAt, about.nowMillis) : 0,
    ...times(view, about),
    ...holdOf(view),
    websocket_url: about.websocketUrl
  }
}

export const artifact = (filename: string, content: Uint8Array, large: Large) => {
  const base64 = large.base64(content)
  const [type, kind] = ["base64", "file"] as const
  return { filename, content_base64: base64, content: base64, data: base64, type, kind, size: content.length }
}

const text = (bytes: Uint8Array, large: Large) => {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { text: large.text(view.toString()), base64: isUtf8(view) ? undefined : large.base64(view) }
}

const why = ({ exitCode, how, wallMillis }: Executed): string => {
  if (how === "timed-out") return `still running after ${Math.round(wallMillis)} ms`
  return how === "signalled" ? `ended by signal ${exitCode - 128}` : `exit status ${exitCode}`
}

export const executed = (id: string, ran: Executed, large: Large) => {
  const [stdout, stderr] = [text(ran.stdout, large), text(ran.stderr, large)]
  const success = ran.exitCode === 0
  const status = success ? "completed" : ran.how === "timed-out" ? "timeout" : "failed"
  const millis = Math.round(ran.wallMillis)
  return {
    id,
    session_id: id,
    success,
    status,
    state: status,
    stdout: stdout.text,
    stderr: stderr.text,
    output: stdout.text,
    error: success ? "" : stderr.text || why(ran),
    exit_code: ran.exitCode,
    ...(stdout.base64 === undefined ? {} : { stdout_base64: stdout.base64 }),
    ...(stderr.base64 === undefined ? {} : { stderr_base64: stderr.base64 }),
    stdout_truncated: ran.stdoutTruncated,
    stderr_truncated: ran.stderrTruncated,
    total_time_ms: millis,
    execution_time_ms: millis,
    execution_time: millis
  }
}
