/** The programs that the demo runs, and what each must answer. */

type Body = Readonly<Record<string, unknown>>

export interface Program {
  readonly language: string
  readonly case: string
  readonly path: "/execute" | "/execute/async" | "/run"
  /** JSON for `/execute`, the bare program for `/run`. */
  readonly body: Body | string
  /** The first thing that is wrong with the answer. */
  readonly wrong: (answer: Body) => string | undefined
}

const differs = (answer: Body, expected: Body): string | undefined => {
  const key = Object.keys(expected).find((name) => answer[name] !== expected[name])
  if (key === undefined) return undefined
  return `${key} is ${JSON.stringify(answer[key])} instead of ${JSON.stringify(expected[key])}`
}

const prints = (stdout: string) => (answer: Body) =>
  differs(answer, { success: true, status: "completed", exit_code: 0, stdout })

/** Every language's own hello world prints one line with that word in it. */
export const hello = (language: string, code: string): Program => ({
  language,
  case: "hello",
  path: "/execute",
  body: { language, code, ttl: 120 },
  wrong: (answer) =>
    differs(answer, { success: true, status: "completed", exit_code: 0, language }) ??
    (/hello/i.test(String(answer.stdout)) ? undefined : `stdout is ${JSON.stringify(answer.stdout)}`)
})

const base64 = (text: string) => Buffer.from(text).toString("base64")

const decoded = (artifact: unknown): string =>
  typeof artifact === "object" && artifact !== null && "content_base64" in artifact
    ? Buffer.from(String(artifact.content_base64), "base64").toString()
    : ""

const artifact = (answer: Body) =>
  Array.isArray(answer.artifacts) && answer.artifacts.some((one) => decoded(one) === "made inside\n")
    ? undefined
    : "the file that it made did not come back"

const detected = (language: string) => (answer: Body) =>
  prints("42\n")(answer) ?? differs(answer, { detected_language: language })

/** The cases need one language only; each has them in its own words. */
interface Words {
  readonly answer: string
  readonly env: string
  readonly input: string
  readonly artifact: string
  readonly fails: string
  readonly endless: string
  readonly shebang: string
}

const words: Readonly<Record<string, Words>> = {
  bash: {
    answer: "echo $((6*7))",
    env: 'echo "to $NAME"',
    input: "cat /tmp/input/note.txt",
    artifact: 'echo "made inside" > made.txt',
    fails: "echo broken >&2; exit 3",
    endless: "while :; do :; done",
    shebang: "#!/usr/bin/env bash\necho $((6*7))\n"
  },
  python: {
    answer: "print(6*7)",
    env: 'import os; print("to", os.environ["NAME"])',
    input: 'print(open("/tmp/input/note.txt").read(), end="")',
    artifact: 'print("made inside", file=open("made.txt", "w"))',
    fails: 'import sys; print("broken", file=sys.stderr); sys.exit(3)',
    endless: "while True: pass",
    shebang: "#!/usr/bin/env python3\nprint(6*7)\n"
  },
  perl: {
    answer: 'print 6*7, "\\n"',
    env: 'print "to $ENV{NAME}\\n"',
    input: 'open F, "/tmp/input/note.txt"; print <F>',
    artifact: 'open F, ">made.txt"; print F "made inside\\n"',
    fails: 'print STDERR "broken\\n"; exit 3',
    endless: "while (1) {}",
    shebang: '#!/usr/bin/perl\nprint 6*7, "\\n";\n'
  }
}

const casesIn = (language: string, said: Words): ReadonlyArray<Program> => {
  const execute = (name: string, code: string, more: Body, wrong: Program["wrong"]): Program => ({
    language,
    case: name,
    path: name === "async" ? "/execute/async" : "/execute",
    body: { language, code, ...more },
    wrong
  })
  return [
    execute("sync", said.answer, {}, prints("42\n")),
    execute("async", said.answer, {}, prints("42\n")),
    { language, case: "shebang", path: "/run", body: said.shebang, wrong: detected(language) },
    execute("env", said.env, { env: { NAME: "somebody" } }, prints("to somebody\n")),
    execute(
      "input file",
      said.input,
      { input_files: [{ filename: "note.txt", content: base64("kept\n") }] },
      prints("kept\n")
    ),
    execute("artifact", said.artifact, { return_artifact: true }, artifact),
    execute("fails", said.fails, {}, (answer) =>
      differs(answer, { success: false, status: "failed", exit_code: 3, stderr: "broken\n" })
    ),
    execute("times out", said.endless, { ttl: 1 }, (answer) => differs(answer, { success: false, status: "timeout" }))
  ]
}

/** In the first of these languages that the machine has; none at all is for the caller to report. */
export const cases = (runnable: ReadonlyArray<string>): ReadonlyArray<Program> => {
  const language = Object.keys(words).find((name) => runnable.includes(name))
  const said = language === undefined ? undefined : words[language]
  return language === undefined || said === undefined ? [] : casesIn(language, said)
}
