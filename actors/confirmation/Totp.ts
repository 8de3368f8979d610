/** Codes that a device makes (RFC 6238): six digits, 30 seconds, SHA-1, because that is what authenticators have. */
import { randomBytes } from "node:crypto"
import { Redacted } from "effect"
import { Secret, TOTP } from "otpauth"

const DIGITS = 6
/** Steps before and after the present one: devices' clocks differ, and people are slow. */
const WINDOW = 1

/** Base32, 160 bits. */
export const newSecret = (): Redacted.Redacted<string> =>
  Redacted.make(new Secret({ buffer: Uint8Array.from(randomBytes(20)).buffer }).base32)

const device = (secret: Redacted.Redacted<string>, label: string): TOTP =>
  new TOTP({ issuer: "unsandbox", label, digits: DIGITS, secret: Secret.fromBase32(Redacted.value(secret)) })

/** For authenticators, as they read it from a QR code. */
export const uriOf = (secret: Redacted.Redacted<string>, label: string): string => device(secret, label).toString()

/** The time step that the code is of; undefined when it is of none that counts now. Compared in constant time. */
export const stepOf = (secret: Redacted.Redacted<string>, code: string, millis: number): number | undefined => {
  if (!/^[0-9]{6}$/.test(code)) return undefined
  const delta = device(secret, "").validate({ token: code, timestamp: millis, window: WINDOW })
  return delta === null ? undefined : TOTP.counter({ timestamp: millis }) + delta
}
