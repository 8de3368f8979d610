/** Why a backup is not made or not taken; the message is for the operator, and nothing half-done was left. */
import { Data } from "effect"

type Why =
  | "not_a_backup"
  | "wrong_passphrase"
  /** Not what was written: changed, cut, or longer. */
  | "damaged"
  | "exists"
  | "busy"
  /** The data that it is made of does not verify. */
  | "data_damaged"
  /** The data did not hold still for long enough. */
  | "unsteady"
  | "root_key_missing"
  | "failed"

export class BackupRefused extends Data.TaggedError("BackupRefused")<{
  readonly code: Why
  readonly message: string
}> {}

export const damaged = (what: string) =>
  new BackupRefused({ code: "damaged", message: `The backup is damaged: ${what}.` })

const textOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return String(error)
  const { message, path, reason } = { message: undefined, path: undefined, reason: undefined, ...error }
  const told = reason ?? message ?? (error instanceof Error ? error.message : undefined) ?? String(error)
  return typeof path === "string" && error instanceof Error && !("syscall" in error) ? `${path}: ${told}` : String(told)
}

export const failed = (error: unknown): BackupRefused =>
  error instanceof BackupRefused ? error : new BackupRefused({ code: "failed", message: textOf(error) })
