import { createHmac } from 'node:crypto'
import { deriveBytes } from '../../lib/derive-bytes.ts'
import { isSameText } from './same-text.ts'

/**
 * Secrets of registered clients, computed and never stored: an HMAC-SHA-256 over the client id under a key of its own
 * (RFC 2104). The id does not reveal the secret, and a server with the same keys can compute it.
 *
 * @param keys those that registrations are sealed with; the first makes secrets, all check them, so that keys can be
 *   rotated
 */
export function createClientSecrets(keys: readonly string[]) {
  const [current, ...older] = keys.map((key) =>
    deriveBytes(key, 'mcp-message-center-server/oauth/v1/client-secret', 32),
  )
  if (current === undefined) throw new Error('There is no key to make secrets with')
  const secretBy = (key: Buffer, clientId: string) => createHmac('sha256', key).update(clientId).digest('base64url')
  return {
    /** 43 characters. */
    secretOf: (clientId: string) => secretBy(current, clientId),
    isRight: (clientId: string, secret: string) =>
      [current, ...older].some((key) => isSameText(secretBy(key, clientId), secret)),
  }
}
