/** Why something failed, in words for whoever reads how a job or a container ended. */

interface Failure {
  readonly _tag: string
  readonly message: string
  readonly reason?: unknown
}

export const why = ({ _tag, message, reason }: Failure): string =>
  (typeof reason === "string" ? reason : message) || _tag
