/** Every image that was ever published, as it stands now, and who may use it. */
import { Context, type Effect, Option, Schema } from "effect"
import type { Digest, ImageId, PublicKey } from "../../events/Ids.js"
import { Source, type Visibility } from "../../events/Image.js"
import { Layer, Origin } from "../../events/Layer.js"
import type { LogUnavailable } from "../log/EventLog.js"
import * as ImageProjector from "./ImageProjector.js"
import { type Connection, flagOf, reading } from "./Reading.js"

/** Times in microseconds since 1970. */
export interface ImageView {
  readonly image: ImageId
  readonly owner: PublicKey
  readonly source: Source
  readonly name: string
  readonly description: string
  readonly layer: Layer
  readonly origin: Origin
  readonly visibility: Visibility
  readonly locked: boolean
  readonly createdAt: number
  readonly gone?: "destroyed"
}

/** `mine`: owned, shared or public. */
export type Shelf = "owned" | "shared" | "public" | "mine"

export class ImageTable extends Context.Tag("projections/ImageTable")<
  ImageTable,
  {
    readonly find: (image: ImageId) => Effect.Effect<Option.Option<ImageView>, LogUnavailable>
    /** Newest first; at most 1,000. */
    readonly list: (
      key: PublicKey,
      shelf: Shelf,
      limit: number
    ) => Effect.Effect<ReadonlyArray<ImageView>, LogUnavailable>
    /** Keys that it is granted to, oldest first. */
    readonly guests: (image: ImageId) => Effect.Effect<ReadonlyArray<PublicKey>, LogUnavailable>
    readonly isGuest: (image: ImageId, key: PublicKey) => Effect.Effect<boolean, LogUnavailable>
    /** Does one that is kept need this layer? */
    readonly uses: (layer: Digest) => Effect.Effect<boolean, LogUnavailable>
  }
>() {}

export const { projector } = ImageProjector

interface Columns {
  readonly image: ImageId
  readonly owner: PublicKey
  readonly source: string
  readonly name: string
  readonly description: string
  readonly layer: string
  readonly origin: string
  readonly visibility: Visibility
  readonly locked: number
  readonly created_at: number
  readonly gone: "destroyed" | null
}

const sourceOf = Schema.decodeSync(Schema.parseJson(Source))
const layerOf = Schema.decodeSync(Schema.parseJson(Layer))
const originOf = Schema.decodeSync(Schema.parseJson(Origin))

const view = (row: Columns): ImageView => ({
  image: row.image,
  owner: row.owner,
  source: sourceOf(row.source),
  name: row.name,
  description: row.description,
  layer: layerOf(row.layer),
  origin: originOf(row.origin),
  visibility: row.visibility,
  locked: flagOf(row.locked),
  createdAt: row.created_at,
  ...(row.gone === null ? {} : { gone: row.gone })
})

const longestList = 1_000
const granted = "image IN (SELECT image FROM image_guests WHERE key = :key)"

/** Each is answered from an index. */
const shelves: { readonly [S in Shelf]: string } = {
  owned: "owner = :key",
  shared: granted,
  public: "visibility = 'public'",
  mine: `(owner = :key OR visibility = 'public' OR ${granted})`
}

interface Asked {
  readonly key: PublicKey
  readonly most: number
}

export const read = (db: Connection): Context.Tag.Service<ImageTable> => {
  const listing = (where: string) =>
    db.prepare<[Asked], Columns>(`SELECT * FROM images WHERE gone IS NULL AND ${where} ORDER BY seq DESC LIMIT :most`)
  const lists = {
    owned: listing(shelves.owned),
    shared: listing(shelves.shared),
    public: listing(shelves.public),
    mine: listing(shelves.mine)
  }
  const one = db.prepare<[string], Columns>("SELECT * FROM images WHERE image = ?")
  const all = db.prepare<[string], { readonly key: PublicKey }>(
    "SELECT key FROM image_guests WHERE image = ? ORDER BY seq"
  )
  const guest = db.prepare<[string, string], unknown>("SELECT 1 FROM image_guests WHERE image = ? AND key = ?")
  const user = db.prepare<[string], unknown>("SELECT 1 FROM images WHERE digest = ? AND gone IS NULL LIMIT 1")
  return {
    find: (image) => reading(() => Option.map(Option.fromNullable(one.get(image)), view)),
    list: (key, shelf, limit) => reading(() => lists[shelf].all({ key, most: Math.min(limit, longestList) }).map(view)),
    guests: (image) => reading(() => all.all(image).map(({ key }) => key)),
    isGuest: (image, key) => reading(() => guest.get(image, key) !== undefined),
    uses: (layer) => reading(() => user.get(layer) !== undefined)
  }
}
