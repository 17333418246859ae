import { isIP } from 'node:net'
import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed, type RedirectRule } from '../../lib/redirect-policy.ts'
import type { Client } from './clients.ts'
import { displayName } from './display-name.ts'
import { rejectedRedirect } from './rejected-redirect.ts'

const maxUrlChars = 512

/**
 * Whether a client id is the URL of a client's metadata document: https with a path, and nothing that could make two readers
 * see two URLs (OAuth Client ID Metadata Document section 3). A host that is an address has no name to show a user.
 */
export function isDocumentUrl(clientId: string): boolean {
  if (clientId.length > maxUrlChars || !clientId.startsWith('https://') || !URL.canParse(clientId)) return false
  const { href, hostname, pathname } = new URL(clientId)
  if (href !== clientId || pathname === '/' || /[#@]|%(2e|2f|5c)/i.test(clientId)) return false
  return hostname.includes('.') && !hostname.endsWith('.') && isIP(hostname) === 0
}

/**
 * Reads a client metadata document (OAuth Client ID Metadata Document section 4).
 *
 * @throws {Failure} `client_document_invalid`, with the first redirect URI if none is allowed
 */
export function readClientDocument(document: unknown, clientId: string, rules: readonly RedirectRule[]): Client {
  if (typeof document !== 'object' || document === null) throw invalid('Not a JSON object.')
  const fields = document as Record<string, unknown>
  if (fields['client_id'] !== clientId) throw invalid('client_id is not the URL of the document.')
  if (fields['client_secret'] !== undefined || fields['client_secret_expires_at'] !== undefined) {
    throw invalid('A public document must not contain a client secret.')
  }
  if (!isPublic(fields)) {
    throw invalid('Neither token_endpoint_auth_method nor token_endpoint_auth_methods_supported includes "none".')
  }
  const uris = fields['redirect_uris']
  if (!Array.isArray(uris)) throw invalid('Missing redirect_uris.')
  const given: readonly string[] = uris.filter((uri) => typeof uri === 'string')
  const redirectUris = given.filter((uri) => isRedirectAllowed(uri, rules))
  if (redirectUris.length === 0) {
    const [first = ''] = given
    throw invalid('None of its redirect_uris is allowed on this server.', rejectedRedirect(first, rules))
  }
  const name = displayName(fields['client_name'], new URL(clientId).host)
  return { id: clientId, kind: 'document', name, redirectUris }
}

function invalid(detail: string, rejected: Failure['details'] = {}): Failure {
  return new Failure('client_document_invalid', { detail, ...rejected })
}

/**
 * Whether a client can do without client authentication. It says so by its method, or by the list of all methods that
 * it can use (OpenID Connect Relying Party Metadata Choices 1.0), of which the server takes one. A client that sets
 * neither is public: a document cannot hold a secret.
 */
function isPublic(fields: Readonly<Record<string, unknown>>): boolean {
  const method = fields['token_endpoint_auth_method'] ?? undefined
  const list = fields['token_endpoint_auth_methods_supported']
  const methods = Array.isArray(list) ? list : []
  return method === 'none' || methods.includes('none') || (method === undefined && methods.length === 0)
}
