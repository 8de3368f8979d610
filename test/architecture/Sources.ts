/** The project's source files as a graph: who imports what of whom, for its types only or for real. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import ts from "typescript"

export interface Import {
  /** A file of ours by its path from the root, or a package by its name. */
  readonly of: string
  readonly typeOnly: boolean
  /** Names that exist at run time; `*` for all of them. */
  readonly values: ReadonlyArray<string>
}

export interface Source {
  readonly path: string
  readonly imports: ReadonlyArray<Import>
  readonly ast: ts.SourceFile
}

/** Files of ours end in .ts, and are imported as .js. */
const resolve = (from: string, specifier: string): string =>
  specifier.startsWith(".") ? normalize(join(dirname(from), specifier)).replace(/\.js$/, ".ts") : specifier

const namesOf = (clause: ts.NamedImportBindings | ts.NamedExportBindings | undefined): ReadonlyArray<string> => {
  if (clause === undefined || ts.isNamespaceImport(clause) || ts.isNamespaceExport(clause)) return ["*"]
  return [...clause.elements].filter((one) => !one.isTypeOnly).map((one) => (one.propertyName ?? one.name).text)
}

const importOf = (path: string, node: ts.Node): Import | undefined => {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const { importClause, moduleSpecifier } = node
    const named =
      importClause === undefined
        ? []
        : importClause.namedBindings === undefined
          ? []
          : namesOf(importClause.namedBindings)
    const values = importClause?.name === undefined ? named : ["default", ...named]
    const typeOnly = importClause !== undefined && (importClause.isTypeOnly || values.length === 0)
    return { of: resolve(path, moduleSpecifier.text), typeOnly, values: typeOnly ? [] : values }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    const values = node.isTypeOnly ? [] : namesOf(node.exportClause)
    return { of: resolve(path, node.moduleSpecifier.text), typeOnly: values.length === 0, values }
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [specifier] = node.arguments
    if (specifier !== undefined && ts.isStringLiteral(specifier))
      return { of: resolve(path, specifier.text), typeOnly: false, values: ["*"] }
  }
  return undefined
}

export const walk = (node: ts.Node, visit: (node: ts.Node) => void): void => {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

export const parse = (path: string, text: string): Source => {
  const ast = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
  const imports: Array<Import> = []
  walk(ast, (node) => {
    const found = importOf(path, node)
    if (found !== undefined) imports.push(found)
  })
  return { path, imports, ast }
}

export const fixture = (files: { readonly [path: string]: string }): ReadonlyArray<Source> =>
  Object.entries(files).map(([path, text]) => parse(path, text))

export const project = (root: string): ReadonlyArray<Source> =>
  ["events", "actors", "src", "bench"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name))
      .map((path) => parse(path, readFileSync(join(root, path), "utf8")))
  )
