/** D13: does every input file stay inside its directory, with sizes and counts in bounds? */
import { Either } from "effect"
import { anything, natural, struct } from "./Fact.js"
import * as Files from "./Files.js"
import { Permit, type Reason } from "./Guard.js"
import { quote } from "./Quote.js"

export { BOUNDS as FILE_BOUNDS, type InputFile } from "./Files.js"

interface FilesWritten {
  /** `[{filename, content}]` as it came; absent means none. */
  readonly files: unknown
  readonly bounds: Files.Bounds
}

export interface Contained {
  readonly files: ReadonlyArray<Files.InputFile>
  /** Decoded, all together. */
  readonly bytes: number
}

type Read<A> = Either.Either<A, Reason>

const MIB = 2 ** 20

/** One file, while `left` bytes of the total are left: nothing is decoded that would not fit. */
const one = (file: unknown, { singleBytes, totalBytes }: Files.Bounds, left: number): Read<Files.InputFile> => {
  if (typeof file !== "object" || file === null)
    return Files.refuse("invalid_file", "Each input file is an object with filename and content.")
  const named = Files.nameOf(Reflect.get(file, "filename"))
  if (Either.isLeft(named)) return Either.left(named.left)
  const name = named.right
  const encoded = Files.measure(Reflect.get(file, "content"))
  if (Either.isRight(encoded)) {
    const { bytes } = encoded.right
    const tooLarge = (code: string, message: string, limit: number) =>
      Files.refuse(code, message, { filename: name, bytes, limit }, 413)
    if (bytes > singleBytes)
      return tooLarge("file_too_large", `${quote(name)} is larger than ${singleBytes / MIB} MiB.`, singleBytes)
    if (bytes > left)
      return tooLarge("files_too_large", `All files together are larger than ${totalBytes / MIB} MiB.`, totalBytes)
  }
  return Either.mapBoth(Either.flatMap(encoded, Files.decode), {
    onLeft: (reason) => ({ ...reason, details: { filename: name } }),
    onRight: (content) => ({ name, content })
  })
}

const listed = (files: unknown, { count }: Files.Bounds): Read<ReadonlyArray<unknown>> => {
  if (files === undefined || files === null || files === "") return Either.right([])
  if (!Array.isArray(files)) return Files.refuse("invalid_file", "input_files must be a list of {filename, content}.")
  if (files.length <= count) return Either.right(files)
  return Files.refuse("too_many_files", `${files.length} input files; ${count} are allowed. Send an archive.`, {
    count: files.length,
    limit: count
  })
}

const reads = ({ bounds, files }: FilesWritten): Read<Contained> => {
  const list = listed(files, bounds)
  if (Either.isLeft(list)) return Either.left(list.left)
  const names = new Set<string>()
  const taken: Array<Files.InputFile> = []
  let bytes = 0
  for (const item of list.right) {
    const file = one(item, bounds, bounds.totalBytes - bytes)
    if (Either.isLeft(file)) return Either.left(file.left)
    const { content, name } = file.right
    if (names.has(name)) return Files.refuse("duplicate_filename", `${quote(name)} is there twice.`, { filename: name })
    names.add(name)
    bytes += content.length
    taken.push(file.right)
  }
  const clash = Files.conflict(names)
  if (clash === undefined) return Either.right({ files: taken, bytes })
  const message = `${quote(clash)} is both a file and a directory of another file.`
  return Files.refuse("duplicate_filename", message, { filename: clash })
}

/** The permit carries the files decoded. */
export const filesContained = Permit.guard("D13", {
  name: "files-contained",
  claim: "every file stays inside its directory and sizes and counts are in bounds",
  known: {
    files: anything,
    bounds: struct<Files.Bounds>({ count: natural, totalBytes: natural, singleBytes: natural })
  },
  reads
})
