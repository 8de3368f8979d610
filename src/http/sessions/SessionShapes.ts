/** The shapes of requests about sessions and of their answers. */
import { Schema } from "effect"
import * as Field from "../Field.js"
import { Artifact } from "../jobs/Execution.js"
import { common } from "../jobs/Program.js"

const { optional } = Schema

export const ID = "unsb-session-0123456789abcdef0123456789abcdef"
const Multiplexer = Schema.Literal("tmux", "screen")

const { input_files, network_mode, vcpu } = common

export const OpenRequest = Schema.Struct({
  network_mode,
  vcpu,
  input_files,
  ttl: optional(Field.count("Seconds until it ends, counted from now; 0: no limit. Default 3600.", 3_600)),
  shell: optional(Field.text("GET /shells lists all. Alias: `language`. Default `bash`.", "bash", "python3")),
  multiplexer: optional(
    Field.of(
      Multiplexer,
      "Keeps its programs when nobody is connected. Alias: `persistence`, or `tmux`/`screen` true.",
      "tmux"
    )
  ),
  audit: optional(Field.flag('Record what the terminal shows; `"input"`: also what is typed.', true))
}).annotations({ identifier: "SessionRequest" })

export const BoostRequest = Schema.Struct({
  vcpu: optional(Field.count("Virtual CPUs, 1 to 8, with 2 GB each. Default 2.", 2))
}).annotations({ identifier: "BoostRequest" })

export const ExtendRequest = Schema.Struct({
  ttl: optional(Field.count("Seconds from now; 0: no limit. Default 3600.", 3_600))
}).annotations({ identifier: "ExtendRequest" })

export const CommandRequest = Schema.Struct({
  command: Field.text("A line for bash.", "ls -la"),
  timeout: optional(
    Field.count("Milliseconds (up to 300: seconds); 0: the longest, 15 minutes. Default 30000.", 30_000)
  )
}).annotations({ identifier: "CommandRequest" })

const fields = {
  id: Field.text("The session.", ID),
  session_id: Field.text("The same.", ID),
  container_name: Field.text("Its container; empty while it has none.", "unsb-vm-0123456789ab0123456789ab"),
  shell: Field.text("What runs in it.", "bash"),
  status: Field.text("`starting`, `running`, `frozen`, `restoring` or `terminated`.", "running"),
  state: Field.text("The same.", "running"),
  network_mode: Field.text("The network that it has.", "zerotrust"),
  multiplexer: optional(Field.text("What keeps its programs.", "tmux")),
  persistence: optional(Field.text("The same.", "tmux")),
  vcpu: Field.count("Virtual CPUs.", 1),
  memory_mb: Field.count("Memory.", 2_048),
  boosted: Field.flag("It has more than it was opened with.", false),
  locked: Field.flag("It cannot be deleted.", false),
  audit: Field.flag("It is recorded.", false),
  deep_frozen: Field.flag("Frozen for so long that only what it wrote is kept.", false),
  remaining_ttl: Field.count("Seconds until it ends; 0: no limit.", 3_541),
  created_at: Field.time("When it was opened"),
  started_at: optional(Field.time("When it first ran")),
  last_activity: Field.time("When somebody last did something in it"),
  expires_at: optional(Field.time("When it ends; absent: no limit")),
  ended_at: optional(Field.time("When it ended")),
  cause: optional(Field.text("Why it ended.", "exit")),
  exit_code: optional(Field.count("Of its shell.", 0)),
  frozen_cause: optional(
    Field.text(
      "Why it was frozen without being asked: `disk` (its files), `disk-reserve` (the server's disk) or `key` (its key is not good any more).",
      "disk"
    )
  ),
  reason: optional(
    Field.text("The same in words, and what helps.", "Its files take 4.1 GiB of the 4.0 GiB that they may.")
  ),
  websocket_url: Field.text("Where its terminal is.", `ws://127.0.0.1:8080/sessions/${ID}/shell`)
}

export const Session = Schema.Struct(fields).annotations({ identifier: "Session" })
export type Session = typeof Session.Type

export const Unfrozen = Schema.Struct({
  ...fields,
  unfreeze_time_ms: Field.number("How long that took.", 1.3)
}).annotations({ identifier: "Unfrozen" })

export const Boosted = Schema.Struct({ ...fields, memory: Field.text("Memory, for people.", "4096 MB") }).annotations({
  identifier: "Boosted"
})

export const SessionList = Schema.Struct({
  sessions: Schema.Array(Session).annotations({ description: "Newest first." }),
  count: Field.count("How many are listed.", 1)
}).annotations({ identifier: "SessionList" })

export const Terminated = Schema.Struct({
  id: fields.id,
  session_id: fields.session_id,
  status: Field.text("`terminated`.", "terminated"),
  state: Field.text("The same.", "terminated"),
  success: Field.flag("It is gone.", true),
  message: Field.text("For people.", "Session terminated"),
  cause: Field.text("Why it ended.", "deleted"),
  artifacts: Schema.Array(Artifact).annotations({ description: "Its recording, when it was opened with audit." })
}).annotations({ identifier: "Terminated" })

export const Executed = Schema.Struct({
  id: fields.id,
  session_id: fields.session_id,
  success: Field.flag("It exited with 0.", true),
  status: Field.text("`completed`, `failed` or `timeout`.", "completed"),
  state: Field.text("The same.", "completed"),
  stdout: Field.text("Standard output; bytes that are not UTF-8 are replaced.", "hello\n"),
  stderr: Field.text("Standard error, likewise.", ""),
  output: Field.text("The same as `stdout`.", "hello\n"),
  error: Field.text("Why it did not succeed: standard error, or the cause; empty on success.", ""),
  exit_code: Field.count("Its exit status; 124: its time was over; 128 + n: ended by signal n.", 0),
  stdout_base64: optional(Field.text("Where it is not UTF-8.", "/w==")),
  stderr_base64: optional(Field.text("Where it is not UTF-8.", "/w==")),
  stdout_truncated: Field.flag("It wrote more than is kept.", false),
  stderr_truncated: Field.flag("It wrote more than is kept.", false),
  total_time_ms: Field.count("From the call to its end.", 3),
  execution_time_ms: Field.count("The same.", 3),
  execution_time: Field.count("The same.", 3)
}).annotations({ identifier: "Executed" })
