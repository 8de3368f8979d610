/** Executions: awaited, asynchronous, cancelled. What was accepted comes to an end that is told. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Answer } from "../support/client.js"
import type { Calls } from "./Calls.js"
import type { Random } from "./Random.js"
import type { Tenant } from "./World.js"

const ENDED_WITHIN = 90_000
const terminal = new Set(["completed", "failed", "timeout", "cancelled"])
const broken = new Set(["control-plane-restart", "node-lost", "no-capacity", "evicted"])

export interface Job {
  readonly id: string
  readonly tenant: Tenant
}

const excused = (tenant: Tenant, { json }: Answer): boolean =>
  json.error === "concurrency_limit_reached"
    ? tenant.slots !== undefined
    : json.error === "suspended" && tenant.suspended

export class Programs {
  /** What was accepted. */
  readonly jobs: Array<Job> = []

  constructor(private readonly calls: Calls) {}

  private async accepted(tenant: Tenant, name: string, path: string, code: string): Promise<Answer | undefined> {
    const { answer, disturbed } = await this.calls.ask(tenant, "POST", path, { language: "bash", code })
    this.calls.tally.did(name)
    if (answer === undefined) return undefined
    if (answer.status < 300) {
      this.jobs.push({ id: String(answer.json.job_id), tenant })
      return answer
    }
    if (!disturbed && !excused(tenant, answer))
      this.calls.tally.violated(`${name} by ${tenant.name}: ${answer.status} ${answer.text}`)
    return undefined
  }

  private judged({ json, text }: Answer, tenant: Tenant, said: string, start: number): void {
    if (json.status === "completed" && json.stdout === `${said}\n`) return
    const excuse = this.calls.troubles.since(start) && broken.has(String(json.cause))
    if (!excuse && !(tenant.suspended && json.cause === "evicted")) this.calls.tally.violated(`echo ${said}: ${text}`)
  }

  async awaited(tenant: Tenant, said: string): Promise<void> {
    const start = performance.now()
    const answer = await this.accepted(tenant, "execute", "/execute", `echo ${said}`)
    if (answer !== undefined) this.judged(answer, tenant, said, start)
  }

  async ended({ id, tenant }: Job): Promise<Answer> {
    for (const deadline = performance.now() + ENDED_WITHIN; ; await sleep(100)) {
      const answer = await this.calls.look(tenant, `/jobs/${id}`)
      if (answer.status !== 200 || terminal.has(String(answer.json.status))) return answer
      if (performance.now() > deadline) throw new Error(`${id} does not end: ${answer.text}`)
    }
  }

  async polled(tenant: Tenant, said: string): Promise<void> {
    const start = performance.now()
    const answer = await this.accepted(tenant, "execute async", "/execute/async", `sleep 0.1; echo ${said}`)
    if (answer === undefined) return
    this.judged(await this.ended({ id: String(answer.json.job_id), tenant }), tenant, said, start)
  }

  async cancelled(tenant: Tenant, chance: Random): Promise<void> {
    const start = performance.now()
    const answer = await this.accepted(tenant, "execute, cancel", "/execute/async", "sleep 600")
    if (answer === undefined) return
    const id = String(answer.json.job_id)
    await sleep(chance.under(300))
    const asked = await this.calls.ask(tenant, "DELETE", `/jobs/${id}`)
    const undisturbed = !this.calls.troubles.since(start) && !tenant.suspended
    if (asked.answer?.status !== 200 && undisturbed)
      this.calls.tally.violated(`DELETE /jobs/${id}: ${asked.answer?.status} ${asked.answer?.text}`)
    if (asked.answer?.status !== 200) return
    const { json, text } = await this.ended({ id, tenant })
    if (json.status !== "cancelled" && undisturbed) this.calls.tally.violated(`${id} was cancelled: ${text}`)
  }
}
