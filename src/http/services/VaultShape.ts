/** A vault as the API has it: the variables that go in, and what is told of them. */
import { Schema } from "effect"
import * as Field from "../Field.js"

/** As JSON has them. */
export const Variables = Schema.Record({
  key: Schema.String,
  value: Schema.Union(
    Schema.String,
    Schema.Struct({
      value: Field.text("8 to 4096 visible ASCII characters. It never enters the container.", "a-secret"),
      egress: Schema.Array(Schema.String).annotations({
        description:
          "Hosts that the value goes to: `api.example.com`, `*.example.org`, `api.example.com:8443` over TLS, or " +
          "`http://host` in clear. The container has a placeholder, and the egress proxy puts the value in its place " +
          "in requests to these hosts. Needs network_mode semitrusted.",
        examples: [["api.example.com", "*.example.org"]]
      })
    }).annotations({ identifier: "MarkedVariable" })
  )
})

export const Vault = Schema.Struct({
  has_vault: Field.flag("There are variables.", true),
  exists: Field.flag("The same.", true),
  count: Field.count("How many.", 2),
  variable_count: Field.count("The same.", 2),
  names: Schema.Array(Schema.String).annotations({ description: "Their names; values are told by POST …/env/export." }),
  egress: Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) }).annotations({
    description: "Of those that are marked: the hosts that their values go to. Their container has placeholders.",
    examples: [{ TOKEN: ["api.example.com"] }]
  }),
  updated_at: Field.count("When they were last put, in seconds since 1970; 0: never.", 1768728600),
  env: Schema.Struct({}).annotations({ description: "Always empty: values are not told here." })
}).annotations({ identifier: "Vault" })

export const VaultPut = Schema.Struct({
  count: Field.count("How many there are now.", 2),
  message: Field.text("For people.", "2 variables are in the vault"),
  success: Field.flag("It is done.", true)
}).annotations({ identifier: "VaultPut" })

export const VaultDeleted = Schema.Struct({
  status: Field.text("`deleted`", "deleted"),
  success: Field.flag("It is done.", true),
  deleted: Field.count("How many there were of those.", 2)
}).annotations({ identifier: "VaultDeleted" })

export const VaultExport = Schema.Struct({
  env: Field.text("As a file for a shell has it.", "GREETING=hi\n"),
  content: Field.text("The same.", "GREETING=hi\n"),
  count: Field.count("How many.", 1)
}).annotations({ identifier: "VaultExport" })
