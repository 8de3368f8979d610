/** Images looked at, made and shared: the endpoints that ImageGroup begins with. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema } from "effect"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"
import * as Shape from "./ImageShape.js"

const { optional } = Schema

export const Path = Schema.Struct({ id: Shape.id })
const KeyPath = Schema.Struct({ id: Shape.id, key: Shape.key })

const Filter = Schema.Struct({
  filter: optional(
    Schema.Literal("owned", "shared", "public").annotations({
      description: "Only these; the same as GET /images/{filter}."
    })
  )
})

const seen = [...Field.signed, "D18"] as const
export const known = [...Field.signed, "D18", "D17"] as const
const changes = [...known, "D11", "D22", "D26", ...Field.consented] as const
export const refusals = problems(400, 401, 403, 404, 408, 409, 410, 413, 428, 429, 500, 503)

const publish = Field.route(
  "Publish an image",
  "Of a service, frozen meanwhile, or of a snapshot, whose content it shares. It is private at first.",
  ...([...Field.signed, "D06", "D11", "D08", "D16", "D17", "D09", "D10", "D22", "D26"] as const)
)
const grant = Field.route("Let a key use it", "The key's owner finds it under GET /images/shared.", ...changes)
const revoke = Field.route("Let a key use it no longer", "What it made of it stays.", ...changes)
const changing = <const N extends string>(name: N, path: `/${string}`, about: typeof grant) =>
  HttpApiEndpoint.post(name, path)
    .setPath(Path)
    .setPayload(Shape.KeyRequest)
    .addSuccess(Shape.Shared)
    .addError(refusals)
    .annotateContext(about)
const listing = <const N extends string>(name: N, path: `/${string}`, what: string) =>
  HttpApiEndpoint.get(name, path)
    .addSuccess(Shape.ImageList)
    .addError(refusals)
    .annotateContext(Field.route("List images", what, ...Field.signed))
const publishing = <const N extends string>(name: N, path: `/${string}`) =>
  HttpApiEndpoint.post(name, path)
    .setPayload(Shape.PublishRequest)
    .addSuccess(Shape.Image)
    .addError(refusals)
    .annotateContext(publish)

/** What is looked at and made. */
const making = HttpApiGroup.make("images")
  .add(publishing("publish", "/images"))
  .add(publishing("publishAlias", "/images/publish"))
  .add(
    listing("list", "/images", "Yours, those that are shared with you, and public ones, newest first.").setUrlParams(
      Filter
    )
  )
  .add(listing("owned", "/images/owned", "Yours, newest first."))
  .add(listing("shared", "/images/shared", "Others' that are granted to your key, newest first."))
  .add(listing("public", "/images/public", "Those that everybody may use, newest first."))
  .add(
    HttpApiEndpoint.get("get", "/images/:id")
      .setPath(Path)
      .addSuccess(Shape.Image)
      .addError(refusals)
      .annotateContext(Field.route("Look at an image", "Unlisted ones, too, for whoever knows the id.", ...seen))
  )
  .add(
    HttpApiEndpoint.post("clone", "/images/:id/clone")
      .setPath(Path)
      .setPayload(Shape.CloneRequest)
      .addSuccess(Shape.Image)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Make it your own",
          "A private image of the same content.",
          ...([...seen, "D06", "D11", "D08", "D09", "D26"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("spawn", "/images/:id/spawn")
      .setPath(Path)
      .setPayload(Shape.SpawnRequest)
      .addSuccess(Shape.Spawned)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Start a service from it",
          "A new service, which begins with the image's content.",
          ...([...seen, "D06", "D11", "D08", "D15", "D13", "D14", "D09", "D07", "D10", "D23", "D26"] as const)
        )
      )
  )

/** Who may use it. */
export const sharing = making
  .add(
    HttpApiEndpoint.get("export", "/images/:id/export")
      .setPath(Path)
      .addSuccess(HttpApiSchema.Uint8Array({ contentType: "application/x-tar" }))
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Take it elsewhere",
          "An OCI image layout in a tar, with one layer below home/sandbox, srv and tmp.",
          ...seen
        )
      )
  )
  .add(
    HttpApiEndpoint.post("visibility", "/images/:id/visibility")
      .setPath(Path)
      .setPayload(Shape.VisibilityRequest)
      .addSuccess(Shape.Image)
      .addError(refusals)
      .annotateContext(Field.route("Say who may see it", "`private`, `unlisted` or `public`.", ...changes))
  )
  .add(
    HttpApiEndpoint.get("trusted", "/images/:id/trusted")
      .setPath(Path)
      .addSuccess(Shape.Trusted)
      .addError(refusals)
      .annotateContext(Field.route("List who may use it", "Keys that it is granted to, oldest first.", ...known))
  )
  .add(
    HttpApiEndpoint.get("trustedAlias", "/images/:id/access")
      .setPath(Path)
      .addSuccess(Shape.Trusted)
      .addError(refusals)
      .annotateContext(Field.route("List who may use it", "The same as GET /images/{id}/trusted.", ...known))
  )
  .add(changing("grant", "/images/:id/grant", grant))
  .add(changing("grantAccess", "/images/:id/grant-access", grant))
  .add(changing("accessGrant", "/images/:id/access/grant", grant))
  .add(changing("access", "/images/:id/access", grant))
  .add(changing("revoke", "/images/:id/revoke", revoke))
  .add(changing("revokeAccess", "/images/:id/revoke-access", revoke))
  .add(changing("accessRevoke", "/images/:id/access/revoke", revoke))
  .add(
    HttpApiEndpoint.del("accessDeleteKey", "/images/:id/access/:key")
      .setPath(KeyPath)
      .addSuccess(Shape.Shared)
      .addError(refusals)
      .annotateContext(revoke)
  )
  .add(
    HttpApiEndpoint.del("accessDelete", "/images/:id/access")
      .setPath(Path)
      .addSuccess(Shape.Shared)
      .addError(refusals)
      .annotateContext(revoke)
  )
