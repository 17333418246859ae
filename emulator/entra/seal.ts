import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

export interface Seal<T extends object> {
  seal(value: T): string
  /** The value, or `undefined` for anything not sealed with this key. */
  open(text: string): T | undefined
}

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * Encrypts values that clients hold: refresh tokens and session cookies. Each kind has its own key, so that one is never
 * accepted as the other.
 *
 * @param keyText 32 bytes as base64url
 */
export function createSeal<T extends object>(keyText: string): Seal<T> {
  const key = Buffer.from(keyText, 'base64url')
  return {
    seal(value) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, iv)
      const sealed = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
    },

    open(text) {
      const bytes = Buffer.from(text, 'base64url')
      if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      try {
        const opened = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
        // Authenticated with a key of one purpose: only `seal` can have created it.
        return JSON.parse(opened.toString()) as T
      } catch {
        return undefined
      }
    },
  }
}
