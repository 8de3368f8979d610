/** Verifies, when it is compiled: no command that can hurt is made without each of its permits, nor with anything in the place of one. */
import { Either } from "effect"
import { expect, expectTypeOf, it } from "vitest"
import type * as Container from "../../actors/container/Container.js"
import * as Image from "../../actors/image/Image.js"
import * as Job from "../../actors/job/Job.js"
import * as Service from "../../actors/service/Service.js"
import * as Session from "../../actors/session/Session.js"
import * as Snapshot from "../../actors/snapshot/Snapshot.js"
import type { DecisionPoint } from "../../events/Ids.js"
import type { Consent } from "../../src/guards/Consent.js"
import { Permit, type Refused } from "../../src/guards/Guard.js"
import type { KeyNamed } from "../../src/guards/KeyKnown.js"
import type { Kind } from "../../src/guards/Resource.js"
import { type Ownership, resourceOwned } from "../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../src/guards/ResourceUnlocked.js"
import type { Calling } from "../../src/http/Authentication.js"
import { JOB, KEY } from "./points.js"

type Tagged = { readonly _tag: string }
type AnyPermit = Permit<DecisionPoint, unknown>

/** The fields that hold a permit, under whatever names. */
type Proofs<C> = { [K in keyof C]-?: NonNullable<C[K]> extends AnyPermit ? K : never }[keyof C]

/** A record of permits; a permit alone, a list and whatever holds none is no such thing. */
type Bundle<T> = T extends AnyPermit | ReadonlyArray<unknown>
  ? never
  : T extends object
    ? [Proofs<T>] extends [never]
      ? never
      : T
    : never

/** The fields that hold such a record. */
type Bundles<C> = { [K in keyof C]-?: [Bundle<NonNullable<C[K]>>] extends [never] ? never : K }[keyof C]

type Replaced<C, K extends keyof C, By> = Omit<C, K> & { readonly [F in K]: By }

/** The same facts, of a thing of every other kind. */
type OtherKind<Facts> = Facts extends { readonly kind: infer K extends Kind }
  ? Omit<Facts, "kind"> & { readonly kind: Exclude<Kind, K> }
  : never

/** What somebody who has no permit might put in its place. */
type Forgery<P> =
  P extends Permit<infer Point, infer Facts>
    ?
        | undefined
        | null
        | true
        | {}
        | Facts
        | { readonly point: Point; readonly facts: Facts }
        | { readonly point: Point; readonly facts: Facts; readonly issued: true }
        | { readonly [Member in keyof P]: P[Member] }
        | Permit<Exclude<DecisionPoint, Point>, Facts>
        | Permit<Point, {}>
        | Permit<Point, unknown>
        | ([OtherKind<Facts>] extends [never] ? never : Permit<Point, OtherKind<Facts>>)
        | Either.Either<P, Refused>
        | Promise<P>
    : never

/** Each forgery by itself: those of a union that the command would take. */
type Taken<C, K extends keyof C, F> = F extends unknown ? (Replaced<C, K, F> extends C ? F : never) : never

type Forgeable<C, Name extends string> = {
  [K in Proofs<C> & keyof C & string]:
    | (Omit<C, K> extends C ? `${Name} without ${K}` : never)
    | ([Taken<C, K, Forgery<NonNullable<C[K]>>>] extends [never] ? never : `${Name} with a forged ${K}`)
}[Proofs<C> & keyof C & string]

type Omissible<C, Name extends string> = {
  [K in Bundles<C> & keyof C & string]:
    | (Omit<C, K> extends C ? `${Name} without ${K}` : never)
    | Forgeable<NonNullable<C[K]>, `${Name}'s ${K}`>
}[Bundles<C> & keyof C & string]

/** How a command can be made without its evidence; `never` when it cannot. */
type Holes<C extends Tagged> = C extends Tagged ? Forgeable<C, C["_tag"]> | Omissible<C, C["_tag"]> : never

type PointOf<P> = P extends Permit<infer Point, unknown> ? Point : never
type Shown<C> = { [K in Proofs<C>]: PointOf<C[K]> }[Proofs<C>]

/** The points whose permits a command asks for. */
type Points<C> = Shown<C> | { [K in Bundles<C>]: Shown<Bundle<C[K]>> }[Bundles<C>]

type Lacking<C extends Tagged, Needs extends { readonly [Tag in string]: DecisionPoint }> = {
  [Tag in keyof Needs & string]: [Exclude<Needs[Tag], Points<Extract<C, { readonly _tag: Tag }>>>] extends [never]
    ? never
    : `${Tag} lacks ${Exclude<Needs[Tag], Points<Extract<C, { readonly _tag: Tag }>>>}`
}[keyof Needs & string]

/** Commands that ask for no permit at all: those that nobody but the control plane gives. */
type Unguarded<C extends Tagged> = C extends Tagged ? ([Points<C>] extends [never] ? C["_tag"] : never) : never

it("finds a hole where there is one", () => {
  type Owned = Permit<"D17", Ownership<"job">>
  type Optional = { readonly _tag: "Destroy"; readonly owned?: Owned }
  type Either2 = { readonly _tag: "Destroy"; readonly owned: Owned | { readonly point: "D17" } }
  type Loose = { readonly _tag: "Destroy"; readonly owned: Permit<"D17", Ownership> }
  type Sound = { readonly _tag: "Destroy"; readonly owned: Owned }
  expectTypeOf<Holes<Sound>>().toEqualTypeOf<never>()
  expectTypeOf<Holes<Optional>>().toEqualTypeOf<"Destroy without owned">()
  expectTypeOf<Holes<Loose>>().toEqualTypeOf<"Destroy with a forged owned">()
  type Bundled<P> = { readonly _tag: "Destroy"; readonly consent: { readonly owned: P } }
  expectTypeOf<Holes<Bundled<Owned>>>().toEqualTypeOf<never>()
  expectTypeOf<Holes<Bundled<Loose["owned"]>>>().toEqualTypeOf<"Destroy's consent with a forged owned">()
  type Perhaps = { readonly _tag: "Destroy"; readonly consent?: { readonly owned: Owned } }
  expectTypeOf<Holes<Perhaps>>().toEqualTypeOf<"Destroy without consent">()
  expectTypeOf<Lacking<Bundled<Owned>, { Destroy: "D17" | "D20" }>>().toEqualTypeOf<"Destroy lacks D20">()
  expectTypeOf<Unguarded<Either2>>().toEqualTypeOf<"Destroy">()
  expectTypeOf<Unguarded<{ readonly _tag: "Destroy" }>>().toEqualTypeOf<"Destroy">()
  expectTypeOf<Lacking<Sound, { Destroy: "D17" | "D20" }>>().toEqualTypeOf<"Destroy lacks D20">()
  expectTypeOf<Lacking<Sound, { Delete: "D17" }>>().toEqualTypeOf<"Delete lacks D17">()
})

it("finds none in the actors' commands", () => {
  expectTypeOf<Holes<Service.Command>>().toEqualTypeOf<never>()
  expectTypeOf<Holes<Session.Command>>().toEqualTypeOf<never>()
  expectTypeOf<Holes<Snapshot.Command>>().toEqualTypeOf<never>()
  expectTypeOf<Holes<Image.Command>>().toEqualTypeOf<never>()
  expectTypeOf<Holes<Job.Command>>().toEqualTypeOf<never>()
  expectTypeOf<Holes<Container.Command>>().toEqualTypeOf<never>()
})

it("knows each command that asks for no permit: a new one is asked for here why", () => {
  type OfServices = "Create" | "Start" | "Again" | "Fail" | "Hold" | "Wake" | "DeepFreeze" | "Unsize" | "Erase"
  type OfSessions = "Open" | "Start" | "Adopt" | "Hold" | "Refreeze" | "Unfreeze" | "DeepFreeze" | "Replaced"
  expectTypeOf<Unguarded<Service.Command>>().toEqualTypeOf<OfServices>()
  expectTypeOf<Unguarded<Session.Command>>().toEqualTypeOf<OfSessions | "End" | "Record">()
  expectTypeOf<Unguarded<Snapshot.Command>>().toEqualTypeOf<"Take" | "Expire">()
  expectTypeOf<Unguarded<Image.Command>>().toEqualTypeOf<"Publish">()
  expectTypeOf<Unguarded<Job.Command>>().toEqualTypeOf<"Accept" | "Start" | "Finish">()
  expectTypeOf<Unguarded<Container.Command>>().toEqualTypeOf<"End" | "Empty">()
})

it("asks at least for these", () => {
  type Mine = "D17"
  type Changing = "D17" | "D20"
  /** For what cannot be undone: nobody does it twice, from inside, or without a person. */
  type Consent = "D05" | "D19" | "D21"
  type Undoing = Changing | Consent
  type OfServices = { Destroy: Undoing; Redeploy: Undoing; Stop: Undoing; Unlock: Mine | Consent }
  type Changes = { Resize: Changing; Rename: Changing; SetDomains: Changing; SetPolicy: Changing; SetVault: Changing }
  type OfSessions = { Delete: Undoing; Replace: Undoing; Unlock: Mine | Consent; Freeze: Mine; Boost: Mine }
  // What a restoring overwrites is stopped, or replaced, with a consent of its own.
  type OfSnapshots = { Delete: Undoing; Unlock: Mine | Consent; Restore: Mine; Clone: Mine }
  type OfImages = {
    Delete: Undoing
    Transfer: Undoing
    Unlock: Mine | Consent
    Grant: Mine
    Revoke: Mine
    Spawn: "D18"
  }
  expectTypeOf<Lacking<Service.Command, OfServices & Changes>>().toEqualTypeOf<never>()
  expectTypeOf<Lacking<Service.Command, { Lock: Mine; Freeze: Mine; Unfreeze: Mine }>>().toEqualTypeOf<never>()
  expectTypeOf<Lacking<Session.Command, OfSessions>>().toEqualTypeOf<never>()
  expectTypeOf<Lacking<Snapshot.Command, OfSnapshots>>().toEqualTypeOf<never>()
  expectTypeOf<Lacking<Image.Command, OfImages>>().toEqualTypeOf<never>()
  expectTypeOf<Lacking<Job.Command, { Cancel: Mine }>>().toEqualTypeOf<never>()
  expectTypeOf<Lacking<Container.Command, { Claim: "D23"; Seal: "D23" }>>().toEqualTypeOf<never>()
})

const job = { kind: "job", resource: JOB } as const
const owned = Either.getOrThrow(resourceOwned.decide({ ...job, actor: KEY, owner: KEY }))
const unlocked = Either.getOrThrow(resourceUnlocked.decide({ ...job, locked: false }))

it("makes none of these by hand", () => {
  const made = () => [
    // @ts-expect-error nothing at all
    Service.Command.Destroy(),
    // @ts-expect-error no permit
    Service.Command.Destroy({}),
    // @ts-expect-error permits for a job
    Service.Command.Destroy({ owned, unlocked }),
    // @ts-expect-error each in the other's place
    Service.Command.Destroy({ owned: unlocked, unlocked: owned }),
    // @ts-expect-error what permits look like
    Service.Command.Destroy({ owned: { ...owned }, unlocked: { ...unlocked } }),
    // @ts-expect-error a lock is opened by its owner
    Service.Command.Unlock({}),
    // @ts-expect-error permits for a job
    Session.Command.Delete({ owned, unlocked }),
    // @ts-expect-error no permit
    Session.Command.Delete({}),
    // @ts-expect-error permits for a job
    Snapshot.Command.Delete({ owned, unlocked }),
    // @ts-expect-error permits for a job
    Image.Command.Delete({ owned, unlocked }),
    // @ts-expect-error a decision that nobody looked into
    Job.Command.Cancel({ owned: Either.right(owned) }),
    // @ts-expect-error no permit, without the function that makes commands
    { _tag: "Destroy" } satisfies Service.Command
  ]
  expect(made).toBeTypeOf("function")
})

it("takes no consent from nobody: what let the caller in is told, and begins with its key", () => {
  type Given = Omit<Consent, "caller">
  type Known = Permit<"D01", KeyNamed>
  expectTypeOf<Given & { readonly caller: readonly [Known] }>().toExtend<Consent>()
  expectTypeOf<Given & { readonly caller: readonly [Known, Permit<"D03">] }>().toExtend<Consent>()
  expectTypeOf<Given>().not.toExtend<Consent>()
  expectTypeOf<Given & { readonly caller: readonly [] }>().not.toExtend<Consent>()
  expectTypeOf<Given & { readonly caller: ReadonlyArray<Known> }>().not.toExtend<Consent>()
  expectTypeOf<Given & { readonly caller: readonly [Permit<"D03">, Known] }>().not.toExtend<Consent>()
  expectTypeOf<Calling["proof"]>().toEqualTypeOf<Consent["caller"]>()
})

it("issues permits nowhere but in the guards", () => {
  const forged = () => [
    // @ts-expect-error the constructor is private
    new Permit("D17", { actor: KEY }),
    // @ts-expect-error and so is that of whatever extends it
    class Forged extends Permit<"D17"> {},
    // @ts-expect-error a literal is no permit
    { point: "D17", facts: {} } satisfies Permit<"D17">,
    // @ts-expect-error nor is a copy of one
    { ...owned } satisfies Permit<"D17">
  ]
  expect(forged).toBeTypeOf("function")
  expectTypeOf<{ readonly point: "D17"; readonly facts: unknown }>().not.toExtend<Permit<"D17">>()
  expectTypeOf<Permit<"D20">>().not.toExtend<Permit<"D17">>()
})
