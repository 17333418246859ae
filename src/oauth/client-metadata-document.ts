import { isIP } from 'node:net'
import { type Client, shownName } from './client.ts'
import { isRedirectAllowed, type RedirectRule } from './redirect-policy.ts'

const maxUrlChars = 512

/**
 * Whether a client id is the URL of a client's description: https with a path, and nothing that could make two readers
 * see two URLs (OAuth Client ID Metadata Document section 3). A host that is an address has no name to show a user.
 */
export function isDocumentUrl(clientId: string): boolean {
  if (clientId.length > maxUrlChars || !clientId.startsWith('https://') || !URL.canParse(clientId)) return false
  const { href, hostname, pathname } = new URL(clientId)
  if (href !== clientId || pathname === '/' || /[#@]|%(2e|2f|5c)/i.test(clientId)) return false
  return hostname.includes('.') && !hostname.endsWith('.') && isIP(hostname) === 0
}

/**
 * Judges a client's description (OAuth Client ID Metadata Document section 4).
 *
 * @returns the client, or a sentence that says what is wrong with the document
 */
export function readClientDocument(
  document: unknown,
  clientId: string,
  rules: readonly RedirectRule[],
): Client | { readonly fault: string } {
  if (typeof document !== 'object' || document === null) return { fault: 'It is not a JSON object.' }
  const fields = document as Record<string, unknown>
  if (fields['client_id'] !== clientId) return { fault: 'Its client_id is not its own URL.' }
  if (fields['client_secret'] !== undefined || fields['client_secret_expires_at'] !== undefined) {
    return { fault: 'It holds a client secret, which a public document cannot keep.' }
  }
  const method = fields['token_endpoint_auth_method'] ?? 'none'
  if (method !== 'none')
    return { fault: 'Its token_endpoint_auth_method must be "none": clients prove themselves by PKCE.' }
  const uris = fields['redirect_uris']
  if (!Array.isArray(uris)) return { fault: 'It has no redirect_uris.' }
  const redirectUris = uris.filter((uri) => typeof uri === 'string' && isRedirectAllowed(uri, rules))
  if (redirectUris.length === 0) return { fault: 'None of its redirect_uris is allowed on this server.' }
  return {
    id: clientId,
    kind: 'document',
    name: shownName(fields['client_name'], new URL(clientId).host),
    redirectUris,
  }
}
