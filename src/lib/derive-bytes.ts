import { hkdfSync } from 'node:crypto'

/**
 * Bytes for one use, derived from a secret for several by HKDF-SHA-256 (RFC 5869).
 *
 * @param secret 32 random bytes, base64
 * @param label the use; bytes under other labels are independent
 */
export function deriveBytes(secret: string, label: string, length: number): Buffer<ArrayBuffer> {
  return Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'base64'), '', label, length))
}
