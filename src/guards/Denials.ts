/** What each decision point answers when it refuses, and what it takes for uncertain: for the API's document and for people. */
import type { DecisionPoint } from "../../events/Ids.js"
import type { Status } from "./Refused.js"

interface Denials {
  /** Codes in the body's `error`, with their status. */
  readonly codes: Readonly<Record<string, Status>>
  /** What it takes for not known, beyond facts that fail, are late or have no sense. */
  readonly uncertain: string
}

export const denials: { readonly [P in DecisionPoint]: Denials } = {
  D01: {
    codes: { missing_credentials: 401, invalid_key: 401, legacy_key_unsupported: 401, unknown_key: 400 },
    uncertain: "the table of keys cannot be read, or its record is another key's"
  },
  D02: {
    codes: { invalid_key: 401, expired: 401, suspended: 403 },
    uncertain: "its standing, that of a key of its line, or the time cannot be had"
  },
  D03: {
    codes: { missing_signature: 401, invalid_signature: 401 },
    uncertain: "the key's secret cannot be read or unsealed"
  },
  D04: {
    codes: { invalid_timestamp: 401 },
    uncertain: "the wall clock parted from the monotonic one"
  },
  D05: {
    codes: { replayed: 409 },
    uncertain: "the memory of requests cannot be written, or would forget this one while its signature is valid"
  },
  D06: {
    codes: { rate_limit_exceeded: 429 },
    uncertain: "the counter of the key or of one of its line cannot be read or contradicts itself, or the clock was set"
  },
  D07: {
    codes: { concurrency_limit_reached: 429 },
    uncertain: "how much the key has running is not known"
  },
  D08: {
    codes: { tier_limit: 403 },
    uncertain: "what the key may have cannot be read; a tier that nobody knows includes nothing, and that is certain"
  },
  D09: {
    codes: { quota_exceeded: 403 },
    uncertain: "what the key or one of its line keeps cannot be counted"
  },
  D10: {
    codes: {
      ...{ no_capacity: 503, queue_full: 503, exceeds_capacity: 400, no_public_port: 503, disk_short: 503 },
      ...{ disk_unknown: 503, session_lost: 503, too_many_commands: 429, too_many_connections: 503 },
      too_many_sessions: 429
    },
    uncertain: "the pool, or how much room the disk has, cannot be asked"
  },
  D11: {
    codes: {
      ...{ invalid_request: 400, too_large: 413, invalid_parameter: 400, digest_required: 400 },
      ...{ snapshot_required: 400, source_required: 400, own_key_in_vault: 400 },
      ...{ own_key_in_bootstrap: 400, own_key_in_file: 400, beyond_parent: 403, line_too_long: 403 }
    },
    uncertain: "what was written cannot be read at all"
  },
  D12: {
    codes: {
      ...{ language_required: 400, unknown_language: 400, language_unavailable: 400 },
      ...{ unknown_shell: 400, shell_unavailable: 400, multiplexer_unavailable: 400 },
      ...{ wasm_unsupported: 400, wasm_unavailable: 400 }
    },
    uncertain: "which toolchains there are is not known"
  },
  D13: {
    codes: {
      ...{ invalid_file: 400, invalid_filename: 400, duplicate_filename: 400, too_many_files: 400 },
      ...{ file_too_large: 413, files_too_large: 413 }
    },
    uncertain: "a file's bytes cannot be measured"
  },
  D14: {
    codes: { network_mode_unavailable: 403 },
    uncertain: "which networks there are is not known"
  },
  D15: {
    codes: { invalid_name: 400, name_reserved: 400, name_taken: 409 },
    uncertain: "who holds the name cannot be read"
  },
  D16: {
    codes: { not_found: 404, gone: 410 },
    uncertain: "the table that it would be in cannot be read"
  },
  D17: {
    codes: { not_owner: 403 },
    uncertain: "its owner is not known"
  },
  D18: {
    codes: { not_found: 404, gone: 410 },
    uncertain: "owner, visibility or grants are not known"
  },
  D19: {
    codes: { own_container: 403, ancestors_resource: 403 },
    uncertain: "the key's line, or which services hold it, is not known"
  },
  D20: {
    codes: { locked: 409 },
    uncertain: "whether it is locked is not known"
  },
  D21: {
    codes: {
      ...{ confirmation_required: 428, invalid_otp: 403, unknown_challenge: 403, challenge_mismatch: 403 },
      ...{ challenge_expired: 403, challenge_spent: 403, challenge_void: 403, too_many_attempts: 403 },
      ...{ too_many_challenges: 429, too_many_misses: 429 }
    },
    uncertain: "the challenge cannot be read, written or delivered, or the clock was set"
  },
  D22: {
    codes: { illegal_transition: 409, not_running: 409, service_not_running: 409, not_freezable: 400, disk_limit: 409 },
    uncertain: "the state cannot be read from the log"
  },
  D23: {
    codes: { container_unsealed: 503 },
    uncertain: "anything that was to be read back from the kernel could not be"
  },
  D24: {
    codes: { secrets_withheld: 403, vault_unreadable: 503 },
    uncertain: "the vault that there should be is not there, or does not open under its own name and the server's key"
  },
  D25: {
    codes: {
      ...{ egress_none: 403, egress_port: 403, egress_denied: 403, egress_unlisted: 403, egress_closed: 403 },
      egress_unresolved: 502
    },
    uncertain: "the name cannot be resolved, or the lists cannot be read"
  },
  D26: {
    codes: { not_durable: 503 },
    uncertain: "the disk did not say that the event is on it"
  }
}
