/** Programs as callers write them: the shapes of requests to run one. */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema } from "effect"
import * as Field from "../Field.js"

const { optional } = Schema
const Network = Schema.Literal("zerotrust", "semitrusted")
const Seconds = Schema.Int.pipe(Schema.between(1, 900))
const Processors = Schema.Int.pipe(Schema.between(1, 8))

export const InputFile = Schema.Struct({
  filename: Field.text("Where to put it, relative to /tmp/input.", "data/numbers.csv"),
  content: Field.text("Its bytes, base64. Alias: `content_base64`.", "MSwyLDMK")
}).annotations({ identifier: "InputFile" })

export const common = {
  code: Field.text("The program's source.", "print('hello')"),
  env: optional(
    Field.of(Schema.Record({ key: Schema.String, value: Schema.String }), "Environment variables, at most 256.", {
      GREETING: "hello"
    })
  ),
  network_mode: optional(
    Field.of(Network, "`zerotrust` has no network. Alias: `network`. Default `zerotrust`.", "zerotrust")
  ),
  ttl: optional(Field.of(Seconds, "Seconds that it may run, 1 to 900. Alias: `timeout`. Default 60.", 60)),
  return_artifact: optional(
    Field.flag(
      "Return the files that it leaves in its working directory, and what was compiled. Alias: `return_artifacts`.",
      true
    )
  ),
  return_wasm_artifact: optional(Field.flag("Compile to WebAssembly and return that (C, C++, Rust, Zig, Go).", false)),
  vcpu: optional(Field.of(Processors, "Virtual CPUs, 1 to 8, with 2 GB of memory each. Default 1.", 1)),
  input_files: optional(
    Schema.Array(InputFile).annotations({ description: "Files to find in /tmp/input and in the working directory." })
  ),
  stdin: optional(Field.text("Standard input; without it the program reads an end of file.", "3\n4\n"))
}

export const ExecuteRequest = Schema.Struct({
  language: Field.text("A language or one of its aliases; GET /languages lists them.", "python", "js", "c++"),
  ...common
}).annotations({ identifier: "ExecuteRequest", description: "A program and how to run it." })

export const RunRequest = Schema.Struct({ ...common }).annotations({
  identifier: "RunRequest",
  description: "A program whose language is told by its shebang line or its text."
})

export const RunQuery = Schema.Struct({
  env: optional(Field.text("Environment variables as a JSON object, URL-encoded.", '{"GREETING":"hello"}')),
  network_mode: optional(Field.text("As in POST /execute.", "zerotrust")),
  ttl: optional(Field.text("As in POST /execute.", "60")),
  vcpu: optional(Field.text("As in POST /execute.", "1")),
  return_artifact: optional(Field.text("`true` or `1`, as in POST /execute.", "true")),
  return_wasm_artifact: optional(Field.text("`true` or `1`, as in POST /execute.", "false")),
  language: optional(Field.text("Names the language where nothing in the text does.", "python"))
})

export const RawCode = HttpApiSchema.Text({ contentType: "text/plain" }).annotations({
  description: "The program's source as it is.",
  examples: ["#!/usr/bin/env python3\nprint('hello')"]
})
