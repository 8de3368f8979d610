/** The ways in which clients write requests about services, made one: aliases resolved. Decides nothing. */
import type { ServiceWritten } from "../../guards/ServiceOrder.js"
import { type Fields, files, first } from "../Normalise.js"

export interface ServiceAsked {
  readonly order: ServiceWritten
  readonly files: unknown
  /** The image to begin with, by whatever name it is called. */
  readonly image: unknown
}

export const filesOf = ({ input_files: written }: Fields): unknown => files(written)

export const bootstrapOf = (fields: Fields): unknown =>
  first(fields.bootstrap_content, fields.bootstrap, fields.bootstrap_url)

export const domainsOf = (fields: Fields): unknown => first(fields.custom_domains, fields.domains)

export const order = (fields: Fields): ServiceAsked => ({
  order: {
    name: first(fields.name),
    ports: fields.ports ?? fields.port,
    bootstrap: bootstrapOf(fields),
    custom_domains: domainsOf(fields),
    network_mode: first(fields.network_mode, fields.network),
    vcpu: first(fields.vcpu),
    service_type: fields.service_type,
    env: fields.env,
    child_key: fields.child_key,
    unfreeze_on_demand: fields.unfreeze_on_demand,
    show_freeze_page: fields.show_freeze_page
  },
  files: filesOf(fields),
  image: first(fields.golden_image, fields.image_id, fields.image)
})
