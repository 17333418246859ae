import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'

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

const algorithm = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16
const expiryBytes = 6
/** Larger than whatever fits into the request that it was made of. */
const maxTextChars = 24_576

/** Seals of every purpose, from the same keys. */
export type Seals = <T>(purpose: Purpose) => Seal<T>

/**
 * AES-256-GCM (NIST SP 800-38D) under a key of each purpose's own, by HKDF-SHA-256 (RFC 5869); the purpose is the
 * additional data too. A text is base64url of IV, tag and ciphertext, in its one canonical form.
 *
 * @param keys 32 bytes each, base64; the first seals, all open, so that keys can be rotated
 * @param now milliseconds since the epoch
 */
export function createSeals(keys: readonly string[], now: () => number = Date.now): Seals {
  return <T>(purpose: Purpose): Seal<T> => {
    const label = Buffer.from(`mcp-message-center-server/oauth/v1/${purpose}`)
    const [sealing, ...older] = keys.map((key) => deriveKey(key, label))
    if (sealing === undefined) throw new Error('There is no key to seal with')

    return {
      seal(value, lifetimeMs) {
        const iv = randomBytes(ivBytes)
        const cipher = createCipheriv(algorithm, sealing, iv)
        cipher.setAAD(label)
        const expiry = Buffer.alloc(expiryBytes)
        expiry.writeUIntBE(now() + lifetimeMs, 0, expiryBytes)
        const sealed = [cipher.update(expiry), cipher.update(JSON.stringify(value)), cipher.final()]
        const text = Buffer.concat([iv, cipher.getAuthTag(), ...sealed]).toString('base64url')
        if (text.length > maxTextChars) throw new Error(`A ${purpose} is too large to be sealed`)
        return text
      },

      open(text) {
        const bytes = decode(text)
        if (bytes === undefined) return { refused: 'foreign' }
        for (const key of [sealing, ...older]) {
          const opened = decipher(bytes, key, label)
          if (opened === undefined) continue
          if (opened.readUIntBE(0, expiryBytes) <= now()) return { refused: 'expired' }
          // Authenticated: only `seal` of the same purpose can have made it.
          return { value: JSON.parse(opened.toString('utf8', expiryBytes)) as T }
        }
        return { refused: 'foreign' }
      },
    }
  }
}

function deriveKey(key: string, label: Buffer): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', Buffer.from(key, 'base64'), '', label, 32)))
}

/** Only the canonical text: base64url has several for the same bytes, and none but one shall be worth anything. */
function decode(text: string): Buffer | undefined {
  if (text.length > maxTextChars) return undefined
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length > ivBytes + tagBytes + expiryBytes && bytes.toString('base64url') === text ? bytes : undefined
}

function decipher(bytes: Buffer, key: KeyObject, label: Buffer): Buffer | undefined {
  const cipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
  cipher.setAAD(label)
  cipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
  try {
    return Buffer.concat([cipher.update(bytes.subarray(ivBytes + tagBytes)), cipher.final()])
  } catch {
    return undefined
  }
}
