/** What is written and told of images. */
import { Schema } from "effect"
import * as Field from "../Field.js"

const { optional } = Schema

export const id = Field.text("The image.", "unsb-image-0123-4567-89ab-cdef")
export const key = Field.text("A public key.", "unsb-pk-test-0000-0000-0001")

const name = Field.text("Its name; its id when it was given none.", "shop-base")
const description = Field.text("What it is for.", "nginx with our configuration")
const visibility = Field.text("`private`, `unlisted` (whoever knows the id may use it) or `public`.", "private")

export const Image = Schema.Struct({
  id,
  image_id: id,
  name,
  description,
  visibility,
  source_type: Field.text("`service`, `snapshot`, `image` or `import`.", "service"),
  source_id: Field.text("What it was made of; empty for an import.", "unsb-service-0123456789abcdef"),
  fingerprint: Field.text("SHA-256 of its content, hex: images with the same one hold the same.", "0123abcd"),
  node: Field.text("The host that it is on.", "node-1"),
  size_bytes: Field.count("What it takes on the disk, compressed; shared with what has the same content.", 40960),
  content_bytes: Field.count("What it holds.", 102400),
  network_mode: Field.text("The network that its source had.", "zerotrust"),
  status: Field.text("`ready`.", "ready"),
  state: Field.text("The same.", "ready"),
  locked: Field.flag("It cannot be deleted.", false),
  owner_api_key: key,
  created_at: Field.time("When it was published"),
  trusted_keys: optional(Schema.Array(key).annotations({ description: "To its owner: keys that may use it." })),
  trusted: optional(Schema.Array(key).annotations({ description: "The same." }))
}).annotations({ identifier: "Image" })
export type Image = typeof Image.Type

export const ImageList = Schema.Struct({
  images: Schema.Array(Image).annotations({ description: "Newest first." }),
  count: Field.count("How many are listed.", 1)
}).annotations({ identifier: "ImageList" })

export const PublishRequest = Schema.Struct({
  source_type: Field.text("`service` or `snapshot`.", "service"),
  source_id: Field.text("Which.", "unsb-service-0123456789abcdef"),
  name: optional(name),
  description: optional(description),
  visibility: optional(visibility)
}).annotations({ identifier: "PublishRequest" })

export const CloneRequest = Schema.Struct({ name: optional(name), description: optional(description) }).annotations({
  identifier: "CloneImageRequest"
})

export const SpawnRequest = Schema.Struct({
  name: optional(Field.text("The service's name.", "shop-2")),
  ports: optional(
    Schema.Union(Schema.Array(Schema.Int), Schema.String).annotations({ description: '[80, 81] or "80,81".' })
  ),
  bootstrap: optional(Field.text("Default: the one that the image has.", "nginx -g 'daemon off;'")),
  network_mode: optional(Field.text("Default `zerotrust`.", "zerotrust"))
}).annotations({ identifier: "SpawnRequest" })

export const Spawned = Schema.Struct({
  id: Field.text("The service.", "unsb-service-0123456789abcdef"),
  service_id: Field.text("The same.", "unsb-service-0123456789abcdef"),
  name: Field.text("Its name.", "shop-2"),
  url: Field.text("Where it answers.", "http://shop-2.on.localhost:8081"),
  source_image: id,
  image_id: id,
  state: Field.text("`starting`; later as GET /services/{id} tells.", "starting"),
  status: Field.text("The same.", "starting"),
  ports: Schema.Array(Schema.Int),
  created_at: Field.time("When it was made")
}).annotations({ identifier: "Spawned" })

export const VisibilityRequest = Schema.Struct({ visibility }).annotations({ identifier: "VisibilityRequest" })

export const KeyRequest = Schema.Struct({
  api_key: Field.text("The key. Aliases: `trusted_api_key`, `trusted_key`.", "unsb-pk-test-0000-0000-0001")
}).annotations({ identifier: "KeyRequest" })

export const TransferRequest = Schema.Struct({ to_api_key: key }).annotations({ identifier: "TransferRequest" })

const done = { id, image_id: id, success: Field.flag("It is done.", true) }

export const Shared = Schema.Struct({
  ...done,
  message: Field.text("For people.", "Access granted"),
  trusted_keys: Schema.Array(key).annotations({ description: "Keys that may use it now." }),
  trusted: Schema.Array(key).annotations({ description: "The same." })
}).annotations({ identifier: "ImageShared" })
export type Shared = typeof Shared.Type

export const Trusted = Schema.Struct({
  id,
  image_id: id,
  trusted_keys: Schema.Array(key).annotations({ description: "Oldest first." }),
  trusted: Schema.Array(key).annotations({ description: "The same." }),
  count: Field.count("How many.", 1)
}).annotations({ identifier: "ImageTrusted" })

export const Transferred = Schema.Struct({
  ...done,
  owner_api_key: key,
  message: Field.text("For people.", "Image transferred")
}).annotations({ identifier: "ImageTransferred" })

export const Locking = Schema.Struct({
  id,
  image_id: id,
  locked: Field.flag("It cannot be deleted.", true),
  message: Field.text("For people.", "Image locked")
}).annotations({ identifier: "ImageLocking" })

export const Deleted = Schema.Struct({ ...done, message: Field.text("For people.", "Image deleted") }).annotations({
  identifier: "ImageDeleted"
})
