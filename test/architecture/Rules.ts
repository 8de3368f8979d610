/** What the house does not allow; each rule names what it found. */
import ts from "typescript"
import { type Import, type Source, walk } from "./Sources.js"

export type Rule = (sources: ReadonlyArray<Source>) => ReadonlyArray<string>

const everything = [
  ...["events", "actors", "src/guards", "src/kernel", "src/log", "src/store", "src/substrate", "src/languages"],
  ...["src/projections", "src/http", "src/proxy", "src/tls", "src/egress", "src/rpc", "src/cli", "src/system", "bench"],
  "src/strangers"
]

/** Who may import whom. A layer that is not here does not exist. */
const allowed: { readonly [layer: string]: ReadonlyArray<string> } = {
  events: [],
  "src/guards": ["events"],
  "src/log": ["events"],
  "src/kernel": ["events", "src/log"],
  "src/store": ["events", "src/log"],
  "src/substrate": [],
  "src/languages": [],
  "src/tls": [],
  "src/strangers": [],
  "src/projections": ["events", "src/log"],
  actors: [
    "events",
    "src/guards",
    "src/kernel",
    "src/log",
    "src/store",
    "src/substrate",
    "src/languages",
    "src/projections"
  ],
  "src/http": ["events", "src/guards", "actors", "src/projections", "src/store", "src/languages", "src/tls"],
  "src/proxy": ["events", "actors", "src/projections", "src/strangers", "src/tls"],
  "src/egress": ["events", "src/guards", "actors", "src/projections", "src/store", "src/strangers"],
  "src/rpc": ["events", "actors", "src/kernel", "src/log", "src/projections"],
  "src/cli": everything,
  "src/system": everything,
  "src/main.ts": everything,
  bench: everything
}

/** Beyond that, for their types only: the log's refusal is part of what an actor answers, and http has words for it. */
const allowedTypes: { readonly [layer: string]: ReadonlyArray<string> } = { "src/http": ["src/log/EventLog.ts"] }

const layerOf = (path: string): string => {
  const [first = "", second = ""] = path.split("/")
  return first === "src" ? `${first}/${second}` : first
}

const ours = (one: Import): boolean => /\.(ts|mjs)$/.test(one.of)

const edges = (sources: ReadonlyArray<Source>) =>
  sources.flatMap((source) => source.imports.filter(ours).map((one) => ({ from: source.path, ...one })))

export const direction: Rule = (sources) => {
  const strangers = sources.filter(({ path }) => allowed[layerOf(path)] === undefined)
  const upward = edges(sources).filter(({ from, of, typeOnly }) => {
    const [layer, other] = [layerOf(from), layerOf(of)]
    if (layer === other || allowed[layer]?.includes(other) === true) return false
    return !(typeOnly && allowedTypes[layer]?.includes(of) === true)
  })
  return [
    ...strangers.map(({ path }) => `${path} belongs to no layer`),
    ...upward.map(({ from, of }) => `${from} may not import ${of}`)
  ]
}

export const nothingImportsMain: Rule = (sources) =>
  edges(sources)
    .filter(({ of }) => of === "src/main.ts")
    .map(({ from }) => `${from} imports main`)

/** Depth first, three colours: an import of a file that is still being walked closes a cycle. Types count: they tie files too. */
export const noCycles: Rule = (sources) => {
  const graph = new Map(sources.map((source) => [source.path, source.imports.filter(ours).map(({ of }) => of)]))
  const done = new Set<string>()
  const cycles: Array<string> = []
  const visit = (path: string, trail: ReadonlyArray<string>): void => {
    const start = trail.indexOf(path)
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" → "))
    if (start >= 0 || done.has(path)) return
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return cycles
}

const exportedBy = (source: Source): ReadonlyArray<string> =>
  source.ast.statements.flatMap((statement) =>
    ts.isVariableStatement(statement) &&
    statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
      ? statement.declarationList.declarations.map((declaration) => declaration.name.getText(source.ast))
      : []
  )

/** The guards' own shell: it fetches facts, and tells refusals to a port. */
const guardShell = ["src/guards/Guard.ts", "src/guards/Refusals.ts"]

const isPure = (source: Source): boolean => {
  const layer = layerOf(source.path)
  if (layer === "events") return true
  if (layer === "src/guards") return !guardShell.includes(source.path)
  return layer === "actors" && exportedBy(source).some((name) => ["initial", "decide", "evolve"].includes(name))
}

/** Effect's modules that only make and take apart values. */
const plain = ["Array", "Brand", "Data", "Either", "Equal", "Option", "Schema", "Struct"]
const moving = /^(Date\.now|Math\.random|performance\.now|process\.\w+|crypto\.\w+)$/
const movingImports = ["randomBytes", "randomUUID", "randomInt", "*"]

const impure = (source: Source): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const { of, values } of source.imports) {
    if (of === "effect" || of.startsWith("effect/")) found.push(...values.filter((name) => !plain.includes(name)))
    else if (of.startsWith("@effect/")) found.push(...values.map((name) => `${of} ${name}`))
    else if (/^(node:)?crypto$/.test(of)) found.push(...values.filter((name) => movingImports.includes(name)))
  }
  walk(source.ast, (node) => {
    if (ts.isPropertyAccessExpression(node) && moving.test(node.getText(source.ast)))
      found.push(node.getText(source.ast))
    if (
      ts.isNewExpression(node) &&
      node.expression.getText(source.ast) === "Date" &&
      (node.arguments?.length ?? 0) === 0
    )
      found.push("new Date()")
  })
  return found
}

export const purity: Rule = (sources) => {
  const pure = sources.filter(isPure)
  const trusted = new Set([...pure.map(({ path }) => path), ...guardShell])
  return pure.flatMap((source) => [
    ...impure(source).map((what) => `${source.path} is pure, and uses ${what}`),
    ...source.imports
      .filter((one) => ours(one) && !one.typeOnly && !trusted.has(one.of))
      .map(({ of }) => `${source.path} is pure, and imports ${of}, which is not`)
  ])
}

export const onlyGuardsMintPermits: Rule = (sources) =>
  sources
    .filter(({ path }) => layerOf(path) !== "src/guards")
    .flatMap((source) => {
      const found = source.imports
        .filter(({ of, values }) => of.startsWith("src/guards/") && (values.includes("Permit") || values.includes("*")))
        .filter(({ of, values }) => values.includes("Permit") || of === "src/guards/Guard.ts")
        .map(() => `${source.path} imports the class Permit`)
      walk(source.ast, (node) => {
        if (ts.isAsExpression(node) && /\bPermit\b/.test(node.type.getText(source.ast)))
          found.push(`${source.path} casts to a permit`)
      })
      return found
    })

/** Chosen moments and chance come from Clock and from crypto; what runs on its own is owned by the kernel. */
const forkers = ["src/kernel/Child.ts", "src/kernel/Children.ts"]

export const noStrayTimeOrFork: Rule = (sources) =>
  sources
    .filter(({ path }) => layerOf(path) !== "bench")
    .flatMap((source) => {
      const found: Array<string> = []
      walk(source.ast, (node) => {
        if (!ts.isPropertyAccessExpression(node)) return
        const text = node.getText(source.ast)
        if (/^(Date\.now|Math\.random)$/.test(text)) found.push(`${source.path} uses ${text}`)
        if (/^(Effect|Runtime)\.(forkDaemon|runFork)$/.test(text) && !forkers.includes(source.path))
          found.push(`${source.path} uses ${text}`)
      })
      return found
    })

export const honestNames: Rule = (sources) =>
  sources
    .filter(({ path }) =>
      path.split("/").some((part) => /^(utils?|helpers?|common|misc|shared|managers?)(\.ts)?$/i.test(part))
    )
    .map(({ path }) => `${path} is not named after what it is`)
