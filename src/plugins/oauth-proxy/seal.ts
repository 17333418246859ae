import { decrypt, deriveKey, encrypt, overheadBytes } from '../../lib/aes-gcm.ts'

/** What a sealed text is for. Each has its own key, so that none is ever taken for another. */
export type Purpose = 'registration' | 'consent-form' | 'transaction' | 'code' | 'refresh-token' | 'consents'

/** A sealed value, opened; or why it stays shut: not sealed here for this purpose, or too old. */
export type Opened<T> = { readonly value: T } | { readonly refused: 'foreign' | 'expired' }

/** Turns values of one purpose into texts that only this server, or another with the same keys, can read or make. */
export interface Seal<T> {
  /** @throws an Error for a value so large that nothing would open it again */
  seal(value: T, lifetimeMs: number): string
  /** Never throws, whatever the text. */
  open(text: string): Opened<T>
}

/** Larger than whatever fits into the request that it was made of. */
const maxTextChars = 24_576

/** Seals of every purpose, from the same keys. */
export type Seals = <T>(purpose: Purpose) => Seal<T>

/**
 * Values as JSON, encrypted (`src/lib/aes-gcm.ts`) under a key of each purpose's own; the purpose is the context too.
 * A text is base64url, in its one canonical form.
 *
 * @param keys 32 bytes each, base64; the first seals, all open, so that keys can be rotated
 * @param now milliseconds since the epoch
 */
export function createSeals(keys: readonly string[], now: () => number = Date.now): Seals {
  return <T>(purpose: Purpose): Seal<T> => {
    const label = `mcp-message-center-server/oauth/v1/${purpose}`
    const [sealing, ...older] = keys.map((key) => deriveKey(key, label))
    if (sealing === undefined) throw new Error('There is no key to seal with')

    return {
      seal(value, lifetimeMs) {
        const bytes = encrypt(sealing, label, { text: JSON.stringify(value), expiresAtMs: now() + lifetimeMs })
        const text = bytes.toString('base64url')
        if (text.length > maxTextChars) throw new Error(`A ${purpose} is too large to be sealed`)
        return text
      },

      open(text) {
        const bytes = decode(text)
        if (bytes === undefined) return { refused: 'foreign' }
        for (const key of [sealing, ...older]) {
          const opened = decrypt(key, label, bytes)
          if (opened === undefined) continue
          if (opened.expiresAtMs <= now()) return { refused: 'expired' }
          // Authenticated: only `seal` of the same purpose can have made it.
          return { value: JSON.parse(opened.text) as T }
        }
        return { refused: 'foreign' }
      },
    }
  }
}

/** Only the canonical text: base64url has several for the same bytes, and none but one shall be worth anything. */
function decode(text: string): Buffer | undefined {
  if (text.length > maxTextChars) return undefined
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length > overheadBytes && bytes.toString('base64url') === text ? bytes : undefined
}
