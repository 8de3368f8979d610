/** The program at a session's terminal: its command line, its environment, and how to tell whether a multiplexer keeps it. */
import type { Multiplexer } from "../../events/Session.js"
import { baseEnv, home, inputDirectory } from "../../src/languages/Plan.js"
import type { Command, File } from "../../src/substrate/Substrate.js"

/** The multiplexer's name for what it keeps; sockets lie where the tenant may write. */
const NAME = "main"
const SOCKETS = `${home}/.cache`

export interface Shell {
  /** Interactive, with real paths. */
  readonly argv: ReadonlyArray<string>
  /** Null: the shell itself is at the terminal. */
  readonly multiplexer: { readonly name: Multiplexer; readonly path: string } | null
}

const env = (argv: ReadonlyArray<string>): Command["env"] => ({
  ...baseEnv,
  SHELL: argv[0]?.endsWith("sh") === true ? argv[0] : "/bin/sh",
  TERM: "xterm-256color",
  TMUX_TMPDIR: SOCKETS,
  SCREENDIR: `${SOCKETS}/screen`
})

const command = (argv: ReadonlyArray<string>, shell: Shell, files: ReadonlyArray<File> = []): Command => ({
  argv,
  env: env(shell.argv),
  cwd: home,
  files,
  timeoutMillis: 0,
  outputCap: 0,
  final: false
})

/** Attaches to what the multiplexer keeps; begins that anew where it has ended. */
const attaching = ({ argv, multiplexer }: Shell): ReadonlyArray<string> => {
  switch (multiplexer?.name) {
    case undefined:
      return argv
    case "tmux":
      return [multiplexer.path, "new-session", "-A", "-s", NAME, "--", ...argv]
    case "screen":
      return [multiplexer.path, "-xRR", "-S", NAME, ...argv]
  }
}

export const atTerminal = (shell: Shell): Command => command(attaching(shell), shell)

/**
 * Begins what the multiplexer is to keep, with nobody attached; when it has ended with 0, commands beside find it. Anything
 * else says that the multiplexer could not begin: one that began with a shell that ended at once says 0, too.
 */
export const founding = (shell: Shell): Command | undefined => {
  const { argv, multiplexer } = shell
  switch (multiplexer?.name) {
    case undefined:
      return undefined
    case "tmux":
      return command([multiplexer.path, "new-session", "-d", "-s", NAME, "--", ...argv], shell)
    case "screen": {
      // It answers for itself a moment after the one who began it has gone; a shell that ended at once never does, or leaves
      // whoever is just asking without an answer.
      const line =
        'screen=$1 name=$2 tries=0; shift 2; "$screen" -dmS "$name" "$@" || exit; ' +
        'until timeout 1 "$screen" -S "$name" -Q select . || [ $((tries += 1)) -gt 100 ]; do sleep 0.02; done'
      return command(["/bin/sh", "-c", line, "sh", multiplexer.path, NAME, ...argv], shell)
    }
  }
}

/** Ends with 0 when the multiplexer still keeps something, by whatever name its users gave that. */
export const keeps = (shell: Shell): Command | undefined => {
  switch (shell.multiplexer?.name) {
    case undefined:
      return undefined
    case "tmux":
      return command([shell.multiplexer.path, "list-sessions"], shell)
    case "screen":
      return command([shell.multiplexer.path, "-S", NAME, "-Q", "select", "."], shell)
  }
}

/** Ends with 1 when the container has no process but its first and the one that looks. */
export const alone = (shell: Shell): Command => command(["/bin/sh", "-c", "set -- /proc/[0-9]*; [ $# -gt 2 ]"], shell)

/** Each is a file in the home when all is well: a link, or what has that name there and stays. */
const linking = `cp -rsn ${inputDirectory}/. ${home}/; for name; do [ -f "$name" ] || exit 1; done`

/**
 * The way for what the caller sent along, and for the multiplexer's sockets; input files are found in the home, too. It ends
 * with 0 when they are: whether the sockets have a place the multiplexer itself says as it begins.
 */
export const preparing = (
  shell: Shell,
  inputs: ReadonlyArray<{ readonly name: string; readonly content: Uint8Array }>
): Command | undefined => {
  if (inputs.length === 0 && shell.multiplexer === null) return undefined
  const sockets = shell.multiplexer === null ? ":" : `mkdir -p -m 700 ${SOCKETS} ${SOCKETS}/screen`
  const links = inputs.length === 0 ? ":" : linking
  const files = inputs.map(({ content, name }) => ({ path: `${inputDirectory}/${name}`, mode: 0o644, content }))
  return command(["/bin/sh", "-c", `${sockets}; ${links}`, "sh", ...inputs.map(({ name }) => name)], shell, files)
}

/** A line to run beside the shell, as a shell of the usual kind reads it. */
export const beside = (line: string, shell: Shell, outputCap: number): Command => ({
  ...command(["/bin/sh", "-c", line], shell),
  outputCap
})
