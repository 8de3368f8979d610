/** Commands that have others below them: which, and whether they do something by themselves. */
import type { CommandDescriptor } from "@effect/cli"
import { backupCommands } from "./commands/Backup.js"
import { egressCommands } from "./commands/Egress.js"
import { eventCommands } from "./commands/Events.js"
import { imageCommands } from "./commands/Images.js"
import { keyCommands } from "./commands/Keys.js"
import { languageCommands } from "./commands/Languages.js"
import { otpCommands } from "./commands/Otp.js"
import { vaultCommands } from "./commands/Vault.js"

export interface Named {
  readonly descriptor: CommandDescriptor.Command<unknown>
}

interface Group {
  readonly below: Readonly<Record<string, Named>>
  /** It is a command without another word, too. */
  readonly alone: boolean
}

export const groups: ReadonlyMap<string, Group> = new Map([
  ["keys", { below: keyCommands, alone: false }],
  ["otp", { below: otpCommands, alone: true }],
  ["vault", { below: vaultCommands, alone: false }],
  ["egress", { below: egressCommands, alone: false }],
  ["images", { below: imageCommands, alone: false }],
  ["languages", { below: languageCommands, alone: true }],
  ["events", { below: eventCommands, alone: false }],
  ["backup", { below: backupCommands, alone: false }]
])
