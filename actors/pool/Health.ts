/** Whether a real command runs right now (port), tried at most every few seconds so that asking costs nothing. */
import { Context, type Effect } from "effect"

export type Health = { readonly ok: true; readonly millis: number } | { readonly ok: false; readonly reason: string }

export class HealthCheck extends Context.Tag("actors/HealthCheck")<HealthCheck, Effect.Effect<Health>>() {}
