/** `--help` in a screenful: what a command does, and one line for each of its options, arguments and subcommands. */
import { CliConfig, CommandDescriptor, type HelpDoc, type Span } from "@effect/cli"

type Definition = readonly [term: string, description: string]

const config = CliConfig.make({ showBuiltIns: false, showTypes: true })

const spoken = (span: Span.Span): string => {
  switch (span._tag) {
    case "Sequence":
      return spoken(span.left) + spoken(span.right)
    case "Highlight":
    case "Strong":
    case "Weak":
      return spoken(span.value)
    case "Text":
    case "URI":
      return span.value
  }
}

const paragraphs = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> => {
  switch (doc._tag) {
    case "Sequence":
      return [...paragraphs(doc.left), ...paragraphs(doc.right)]
    case "Paragraph":
      return [spoken(doc.value)]
    default:
      return []
  }
}

/** The parser describes types and multiplicity in sentences of its own; one line has no room for them. */
const FILLER =
  /^(A user-defined|A true or false|An integer|This setting is optional|This option may be repeated|A file|$)/

const term = (text: string): string =>
  text
    .replace(/^\(?(--[a-z-]+)\)? (text|integer)(\.\.\.)?$/, "$1 VALUE")
    .replace(/^([a-z ]+?) ?[[<-].*$/, "$1")
    .trim()

const definitions = (doc: HelpDoc.HelpDoc): ReadonlyArray<Definition> => {
  switch (doc._tag) {
    case "Sequence":
      return [...definitions(doc.left), ...definitions(doc.right)]
    case "DescriptionList":
      return doc.definitions.map(([span, about]) => [
        term(spoken(span)),
        paragraphs(about)
          .filter((text) => !FILLER.test(text))
          .join(" ")
      ])
    default:
      return []
  }
}

/** Every command by the words that call it, in the order in which they are shown. */
export type Commands = ReadonlyArray<readonly [words: string, descriptor: CommandDescriptor.Command<unknown>]>

const lines = (all: ReadonlyArray<Definition>): string => {
  const width = Math.max(...all.map(([name]) => name.length))
  return all.map(([name, about]) => `  ${name.padEnd(width)}  ${about}`.trimEnd()).join("\n")
}

const aboutOf = (doc: HelpDoc.HelpDoc): string =>
  paragraphs(doc).find((text) => !FILLER.test(text) && !text.startsWith("$")) ?? ""

const helpOf = (command: CommandDescriptor.Command<unknown>) => CommandDescriptor.getHelp(command, config)

/** Of the command that `words` begin with, or of the whole when they name none. */
export const help = (commands: Commands, about: string, words: ReadonlyArray<string>): string => {
  const said = words.join(" ")
  const [named, command] = commands.findLast(([name]) => said === name || said.startsWith(`${name} `)) ?? [
    "",
    undefined
  ]
  const depth = named === "" ? 1 : named.split(" ").length + 1
  const below = commands
    .filter(([name]) => name.split(" ").length === depth && (named === "" || name.startsWith(`${named} `)))
    .map(([name, one]): Definition => [name.slice(named.length).trim(), aboutOf(helpOf(one))])
  const own = command === undefined ? [] : definitions(helpOf(command)).filter(([name]) => !name.startsWith("- "))
  const title = command === undefined ? `unsandbox: ${about}` : `unsandbox ${named}: ${aboutOf(helpOf(command))}`
  return [title, ...[below, own].filter((all) => all.length > 0).map(lines)].join("\n\n")
}
