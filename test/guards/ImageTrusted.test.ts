/** D18: whose image it is, who may use it, and what a stranger hears. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { ImageId } from "../../events/Ids.js"
import { type ImageFound, imageTrusted } from "../../src/guards/ImageTrusted.js"
import { IMAGE, KEY } from "./points.js"

const other = "unsb-pk-else-0000"
const found: ImageFound = { image: IMAGE, owner: other, visibility: "private", granted: false }

const decide = (changes: Partial<ImageFound> | undefined) =>
  imageTrusted.decide({ resource: IMAGE, actor: KEY, found: changes && { ...found, ...changes } })
const because = (changes: Partial<ImageFound>) => Either.getOrThrow(decide(changes)).facts.because
const refusal = (changes: Partial<ImageFound> | undefined) => Either.getOrThrow(Either.flip(decide(changes))).reason

describe("D18 image-trusted", () => {
  it("passes its owner, its guests, and everybody where it is shown", () => {
    expect(because({ owner: KEY })).toBe("owner")
    expect(because({ granted: true })).toBe("granted")
    expect(because({ visibility: "unlisted" })).toBe("visible")
    expect(because({ visibility: "public" })).toBe("visible")
  })

  it("tells a stranger of a private one, of one that never was, and of one that is gone the same", () => {
    const said = [refusal({}), refusal(undefined), refusal({ visibility: "public", gone: "destroyed" })]
    for (const { code, message, status } of said) expect({ code, message, status }).toEqual({ ...told(said[0]) })
    expect(said[0]).toMatchObject({ code: "not_found", status: 404 })
    expect(refusal({ granted: true, gone: "destroyed" }).status).toBe(404)
  })

  it("tells its owner that it is gone", () =>
    expect(refusal({ owner: KEY, gone: "destroyed" })).toMatchObject({ code: "gone", status: 410 }))

  it("does not answer for one image with another's facts", () =>
    expect(refusal({ owner: KEY, image: ImageId.make("unsb-image-0000-0000-0000-0002") })).toMatchObject({
      uncertain: true,
      status: 503
    }))
})

const told = (reason: ReturnType<typeof refusal> | undefined) => ({
  code: reason?.code,
  message: reason?.message,
  status: reason?.status
})
