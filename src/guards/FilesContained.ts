/** D13: does every input file stay inside its directory, with sizes and counts in bounds? */
import { Either } from "effect"
import { anything, natural, struct } from "./Fact.js"
import * as Files from "./Files.js"
import { Permit, type Reason } from "./Guard.js"
import { quote } from "./Quote.js"

export { BOUNDS as FILE_BOUNDS, type Bounds as FileBounds, type InputFile } from "./Files.js"

export interface FilesWritten {
  /** `[{filename, content}]` as it came; absent means none. */
  readonly files: unknown
  readonly bounds: Files.Bounds
}

export interface Contained {
  readonly files: ReadonlyArray<Files.InputFile>
  /** Decoded, all together. */
  readonly bytes: number
}

interface Encoded {
  readonly name: string
  readonly text: string
  readonly bytes: number
}

type Read<A> = Either.Either<A, Reason>

const MIB = 2 ** 20

const one = (file: unknown, { singleBytes }: Files.Bounds): Read<Encoded> => {
  if (typeof file !== "object" || file === null)
    return Files.refuse("invalid_file", "Each input file is an object with filename and content.")
  const name = Files.nameOf(Reflect.get(file, "filename"))
  if (Either.isLeft(name)) return Either.left(name.left)
  const encoded = Files.encodingOf(Reflect.get(file, "content"))
  const details = { filename: name.right }
  if (Either.isLeft(encoded)) return Either.left({ ...encoded.left, details })
  const { bytes } = encoded.right
  if (bytes <= singleBytes) return Either.right({ name: name.right, ...encoded.right })
  const message = `${quote(name.right)} is larger than ${singleBytes / MIB} MiB.`
  return Files.refuse("file_too_large", message, { ...details, bytes, limit: singleBytes }, 413)
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

const read = ({ bounds, files }: FilesWritten): Read<ReadonlyArray<Encoded>> => {
  const list = listed(files, bounds)
  if (Either.isLeft(list)) return Either.left(list.left)
  const names = new Set<string>()
  const taken: Array<Encoded> = []
  let bytes = 0
  for (const item of list.right) {
    const file = one(item, bounds)
    if (Either.isLeft(file)) return Either.left(file.left)
    const { name } = file.right
    if (names.has(name)) return Files.refuse("duplicate_filename", `${quote(name)} is there twice.`, { filename: name })
    names.add(name)
    bytes += file.right.bytes
    taken.push(file.right)
  }
  if (bytes > bounds.totalBytes)
    return Files.refuse(
      "files_too_large",
      `The input files are larger than ${bounds.totalBytes / MIB} MiB together.`,
      { bytes, limit: bounds.totalBytes },
      413
    )
  const clash = Files.conflict(names)
  if (clash === undefined) return Either.right(taken)
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
  rule: (written: FilesWritten) => Either.match(read(written), { onLeft: (reason) => reason, onRight: () => true }),
  carries: (written): Contained => {
    const encoded = Either.getOrThrow(read(written))
    return {
      files: encoded.map(({ name, text }) => ({ name, content: Buffer.from(text, "base64") })),
      bytes: encoded.reduce((sum, { bytes }) => sum + bytes, 0)
    }
  }
})
