import { decrypt, deriveBytes, deriveKey, encrypt } from '../../lib/aes-gcm.ts'
import type { KeptToken } from './lifetime.ts'

const keyIdBytes = 4
/** Graph's tokens are of 2 to 4 KiB. What is larger than this is not kept, and no more of it is read. */
export const maxSealedBytes = 32 * 1024

const label = 'mcp-message-center-server/obo/v1'

/** Turns Graph tokens into bytes that only replicas with the same key can read or make. */
export interface TokenSeal {
  /**
   * @param place where the bytes will be: they are worth nothing elsewhere
   * @returns undefined for a token that is too large to be kept
   */
  seal(token: KeptToken, place: string): Buffer | undefined
  /** @returns undefined for what was not sealed for this place with one of the keys, or is over; never throws */
  open(sealed: Buffer, place: string): KeptToken | undefined
}

/**
 * Tokens, encrypted (`src/lib/aes-gcm.ts`) after four bytes that tell the key, so that one which does not fit is not
 * tried.
 *
 * @param secrets 32 bytes each, base64; the first seals, all open, so that they can be rotated
 * @param now milliseconds since the epoch
 */
export function createTokenSeal(secrets: readonly string[], now: () => number = Date.now): TokenSeal {
  const [sealing, ...older] = secrets.map((secret) => ({
    id: deriveBytes(secret, `${label}/key-id`, keyIdBytes),
    key: deriveKey(secret, label),
  }))
  if (sealing === undefined) throw new Error('There is no key to seal with')

  return {
    seal({ accessToken, expiresAtMs }, place) {
      const sealed = Buffer.concat([sealing.id, encrypt(sealing.key, place, { text: accessToken, expiresAtMs })])
      return sealed.length <= maxSealedBytes ? sealed : undefined
    },

    open(sealed, place) {
      const id = sealed.subarray(0, keyIdBytes)
      for (const { key } of [sealing, ...older].filter((known) => known.id.equals(id))) {
        const opened = decrypt(key, place, sealed.subarray(keyIdBytes))
        if (opened !== undefined && opened.expiresAtMs > now()) {
          return { accessToken: opened.text, expiresAtMs: opened.expiresAtMs }
        }
      }
      return undefined
    },
  }
}
