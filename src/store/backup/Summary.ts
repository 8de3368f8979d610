/** What a backup turned out to hold, and how it tells on the way. */

export interface Summary {
  readonly events: number
  /** As members of their own. */
  readonly blobs: number
  /** As rows of the database. */
  readonly smallBlobs: number
  readonly layers: number
  readonly volumes: number
  /** All opened; null: the root key was not at hand. */
  readonly secrets: number | null
  /** False: it is given in the environment, and must be wherever this is restored. */
  readonly rootKey: boolean
  /** Volumes in which names are longer than paths may be, so that not all of them could be put back. */
  readonly incomplete: ReadonlyArray<string>
}

export interface Progress {
  readonly stage: (name: string) => void
  readonly bytes: (more: number) => void
}
