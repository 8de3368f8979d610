/** Folds image events into the tables behind ImageTable. */
import type { Projector } from "../log/Projector.js"
import type { Connection, Fold } from "./Reading.js"

const schema = `
CREATE TABLE IF NOT EXISTS images (
  seq INTEGER PRIMARY KEY,
  image TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  digest TEXT NOT NULL,
  layer TEXT NOT NULL,
  origin TEXT NOT NULL,
  visibility TEXT NOT NULL,
  locked INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  gone TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS images_by_owner ON images (owner, seq) WHERE gone IS NULL;
CREATE INDEX IF NOT EXISTS images_public ON images (seq) WHERE gone IS NULL AND visibility = 'public';
CREATE INDEX IF NOT EXISTS images_by_layer ON images (digest) WHERE gone IS NULL;
CREATE TABLE IF NOT EXISTS image_guests (
  image TEXT NOT NULL,
  key TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (image, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_guests_by_key ON image_guests (key);
`

const statements = (db: Connection) => ({
  publish: db.prepare(
    `INSERT INTO images (seq, image, owner, source, name, description, digest, layer, origin, visibility, locked, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`
  ),
  show: db.prepare("UPDATE images SET visibility = ? WHERE image = ?"),
  give: db.prepare("UPDATE images SET owner = ? WHERE image = ?"),
  lock: db.prepare("UPDATE images SET locked = ? WHERE image = ?"),
  end: db.prepare("UPDATE images SET gone = 'destroyed' WHERE image = ?"),
  grant: db.prepare("INSERT OR IGNORE INTO image_guests (image, key, seq) VALUES (?, ?, ?)"),
  revoke: db.prepare("DELETE FROM image_guests WHERE image = ? AND key = ?")
})

const open = (db: Connection): Fold => {
  const { end, give, grant, lock, publish, revoke, show } = statements(db)
  return (row, event) => {
    switch (event._tag) {
      case "ImagePublished": {
        const { description, image, layer, name, origin, owner, source, visibility } = event
        const [of, what, how] = [source, layer, origin].map((part) => JSON.stringify(part))
        publish.run(row.seq, image, owner, of, name, description, layer.digest, what, how, visibility, row.at)
        return
      }
      case "ImageVisibilityChanged":
        show.run(event.visibility, event.image)
        return
      case "ImageGranted":
        grant.run(event.image, event.key, row.seq)
        return
      case "ImageRevoked":
        revoke.run(event.image, event.key)
        return
      case "ImageTransferred":
        give.run(event.to, event.image)
        revoke.run(event.image, event.to)
        return
      case "ImageLocked":
        lock.run(1, event.image)
        return
      case "ImageUnlocked":
        lock.run(0, event.image)
        return
      case "ImageDeleted":
        end.run(event.image)
        return
      default:
    }
  }
}

export const projector: Projector = { name: "images", version: 1, tables: ["images", "image_guests"], schema, open }
