/** The table of every endpoint that the README has, made from the API's definition. */
import * as OpenApi from "@effect/platform/OpenApi"
import { Array as Arr } from "effect"
import { Api } from "./Api.js"

interface Endpoint {
  readonly route: string
  readonly summary: string
  readonly room: string
}

const methods = ["get", "post", "put", "patch", "delete"] as const

const endpoints = (): ReadonlyArray<Endpoint> =>
  Object.entries(OpenApi.fromApi(Api).paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const summary = item[method]?.summary
      if (summary === undefined) return []
      return [{ route: `${method.toUpperCase()} ${path}`, summary, room: path.split("/")[1] ?? "" }]
    })
  )

const row = ({ route, summary }: Endpoint): string => `| \`${route}\` | ${summary.replaceAll("|", "\\|")} |`

/** By the first part of the path, in the order of the definition; in Markdown. */
const table = (): string => {
  const rooms = Object.values(Arr.groupBy(endpoints(), ({ room }) => room))
  return ["| | |", "|---|---|", ...rooms.flat().map(row)].join("\n")
}

const [START, END] = ["<!-- endpoints:start -->", "<!-- endpoints:end -->"]

/** The README with the table as it is now between its marks; without marks it is left as it was. */
export const readme = (text: string): string => {
  const [start, end] = [text.indexOf(START), text.indexOf(END)]
  if (start < 0 || end < start) return text
  return `${text.slice(0, start + START.length)}\n${table()}\n${text.slice(end)}`
}
