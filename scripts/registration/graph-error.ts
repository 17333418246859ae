import { decodeJwt } from 'jose'
import { type BoundedResponse, TransportError } from '../../src/lib/bounded-client.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { unreachable } from '../shared/unreachable.ts'

interface ErrorBody {
  readonly error?: { readonly code?: string; readonly message?: string }
}

/** Graph's error code. */
export function errorCodeOf(response: BoundedResponse): string | undefined {
  return (bodyOf(response) as ErrorBody).error?.code
}

/**
 * The error of a failed Graph request, with its remediation.
 *
 * @param host of Graph
 * @param token its scopes tell a missing permission from a missing role
 */
export function graphError(
  { host, method, path }: { readonly host: string; readonly method: string; readonly path: string },
  response: BoundedResponse | TransportError,
  token: string,
): OperatorError {
  if (response instanceof TransportError) {
    const next =
      method === 'POST'
        ? 'Run the command again: it continues where this run stopped.'
        : 'Check --graph-base-url and the network (proxy, firewall), then run the command again.'
    const { message, code } = unreachable(host, response)
    return new OperatorError(`Graph is unreachable: ${message}`, next, { cause: response, code })
  }
  const { code, message } = (bodyOf(response) as ErrorBody).error ?? {}
  const id = response.headers['request-id']
  const where = `${method} ${path.split('?')[0]}`
  const text = `Graph responded with ${response.status} to ${where}${code === undefined ? '' : `: ${code}`}. ${message ?? ''}`
  return new OperatorError(
    `${text.trim()}${id === undefined ? '' : ` (request-id ${id})`}`,
    remediationFor(response.status, path, token),
    { code: code ?? `http_${response.status}` },
  )
}

function remediationFor(status: number, path: string, token: string): string {
  switch (status) {
    case 401:
      return 'The token is invalid or expired: run the command again and sign in again.'
    case 403:
      return missingPermissionOrRole(path, token)
    case 404:
      return 'It was deleted, or is not replicated yet: run the command again in a minute.'
    case 409:
    case 412:
      return 'Concurrent change: run the command again; it makes the remaining changes.'
    case 429:
      return 'The tenant is throttled: run the command again in a few minutes.'
    default:
      return status >= 500
        ? 'Graph failed: run the command again later; it makes the remaining changes.'
        : 'Graph rejected a value. Check the options against its message; this request wrote nothing.'
  }
}

/** Graph returns the same error for a missing permission and a missing role. */
function missingPermissionOrRole(path: string, token: string): string {
  const permission = path.startsWith('/oauth2PermissionGrants')
    ? 'DelegatedPermissionGrant.ReadWrite.All'
    : 'Application.ReadWrite.All'
  const scopes = scopesOf(token)
  if (!scopes.includes(permission) && !scopes.includes('Directory.AccessAsUser.All')) {
    return `The token lacks ${permission}. Sign in without --az, or have an administrator consent to it for the client app.`
  }
  return 'The signed-in user lacks a role: it takes the directory role Cloud Application Administrator, Application Administrator or Global Administrator.'
}

function scopesOf(token: string): readonly string[] {
  try {
    return String(decodeJwt(token)['scp'] ?? '').split(' ')
  } catch {
    return []
  }
}

/** The JSON object of a response; empty where there is none. */
export function bodyOf({ body }: BoundedResponse): object {
  try {
    const value: unknown = JSON.parse(body === '' ? '{}' : body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
