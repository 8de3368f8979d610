/** A program that writes one byte at a time: what that costs those who read it is bounded by time, not by its writes. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { build, Membrane, Type } from "../native/wire.js"

let membrane: Membrane
beforeAll(async () => {
  build()
  membrane = await Membrane.start()
  await membrane.hello()
  await membrane.created(1)
}, 60_000)
afterAll(async () => {
  expect(await membrane.stop()).toBe(0)
})

const BYTES = 20_000
const FREE = 256
const PAUSE_MILLIS = 2

// Waits until each byte was taken (FIONREAD), so that no two of them can be read together by chance.
const writer = `import fcntl, os, termios
for _ in range(${BYTES}):
    os.write(1, b"x")
    for _ in range(40):
        if fcntl.ioctl(1, termios.FIONREAD, b"\\0" * 4) == b"\\0" * 4: break`

it("is sent on in few frames, and whole", async () => {
  const number = membrane.exec(1, ["python3", "-c", writer])
  const from = performance.now()
  let frames = 0
  let bytes = 0
  for (;;) {
    const frame = await membrane.match((f) => f.container === 1 && (f.type === Type.OUT || f.type === Type.EXIT))
    expect(frame.body.readUInt32LE(0)).toBe(number)
    if (frame.type === Type.EXIT) break
    frames += 1
    bytes += frame.body.length - 5
  }
  expect(bytes).toBe(BYTES)
  expect(frames).toBeLessThanOrEqual(FREE + (performance.now() - from) / PAUSE_MILLIS + 3)
}, 30_000)
