import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'

/** A text with an expiry. */
export interface Expiring {
  readonly text: string
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number
}

const algorithm = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16
const expiryBytes = 6
/** What encryption adds to a text. */
export const overheadBytes = ivBytes + tagBytes + expiryBytes

/**
 * A key for one purpose, derived from a secret for several.
 *
 * @param secret 32 random bytes, base64
 * @param label the purpose; keys with other labels are independent
 */
export function deriveKey(secret: string, label: string): KeyObject {
  return createSecretKey(deriveBytes(secret, label, 32))
}

/** Bytes derived by HKDF-SHA-256 (RFC 5869). */
export function deriveBytes(secret: string, label: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'base64'), '', label, length))
}

/**
 * AES-256-GCM (NIST SP 800-38D) under a random IV.
 *
 * @param context associated data: not in the result, and needed to decrypt it
 * @returns IV, tag and ciphertext
 */
export function encrypt(key: KeyObject, context: string, { text, expiresAtMs }: Expiring): Buffer {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(algorithm, key, iv)
  cipher.setAAD(Buffer.from(context))
  const expiry = Buffer.alloc(expiryBytes)
  expiry.writeUIntBE(expiresAtMs, 0, expiryBytes)
  const ciphertext = [cipher.update(expiry), cipher.update(text), cipher.final()]
  return Buffer.concat([iv, cipher.getAuthTag(), ...ciphertext])
}

/**
 * Decrypts, expired or not. Never throws.
 *
 * @returns undefined where {@link encrypt} did not return these bytes for this key and context
 */
export function decrypt(key: KeyObject, context: string, bytes: Buffer): Expiring | undefined {
  if (bytes.length < overheadBytes) return undefined
  const cipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(context))
  cipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
  try {
    const plaintext = Buffer.concat([cipher.update(bytes.subarray(ivBytes + tagBytes)), cipher.final()])
    return { text: plaintext.toString('utf8', expiryBytes), expiresAtMs: plaintext.readUIntBE(0, expiryBytes) }
  } catch {
    return undefined
  }
}
