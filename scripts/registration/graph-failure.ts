import { decodeJwt } from 'jose'
import { type BoundedAnswer, TransportError } from '../../src/lib/bounded-client.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { unreachable } from '../shared/unreachable.ts'

interface ErrorBody {
  readonly error?: { readonly code?: string; readonly message?: string }
}

/** Graph's name for what is wrong. */
export function codeOf(answer: BoundedAnswer): string | undefined {
  return (jsonOf(answer) as ErrorBody).error?.code
}

/**
 * What Graph did not do, why, and who can mend it.
 *
 * @param host of Graph
 * @param token read for its scopes alone, to tell a missing permission from a missing role
 */
export function failureOf(
  { host, method, path }: { readonly host: string; readonly method: string; readonly path: string },
  answer: BoundedAnswer | TransportError,
  token: string,
): OperatorError {
  if (answer instanceof TransportError) {
    const next =
      method === 'POST'
        ? 'Run the command again: it finds what was made, and goes on from there.'
        : 'Check --graph-base-url and the way there (proxy, firewall), then run the command again.'
    return new OperatorError(`Graph cannot be reached: ${unreachable(host, answer).message}`, next, { cause: answer })
  }
  const { code, message } = (jsonOf(answer) as ErrorBody).error ?? {}
  const id = answer.headers['request-id']
  const where = `${method} ${path.split('?')[0]}`
  const what = `Graph answered ${answer.status} to ${where}${code === undefined ? '' : `: ${code}`}. ${message ?? ''}`
  return new OperatorError(
    `${what.trim()}${id === undefined ? '' : ` (request-id ${id})`}`,
    mendOf(answer.status, path, token),
  )
}

function mendOf(status: number, path: string, token: string): string {
  switch (status) {
    case 401:
      return 'The token is not, or no longer, taken: run the command again and sign in anew.'
    case 403:
      return whatIsMissing(path, token)
    case 404:
      return 'It may have been deleted meanwhile, or is not to be found yet: run the command again in a minute.'
    case 409:
    case 412:
      return 'Somebody else is changing the same: run the command again, which reads anew and does what is left.'
    case 429:
      return 'The tenant is over its limit: run the command again in a few minutes.'
    default:
      return status >= 500
        ? 'Graph has troubles of its own: run the command again later; it does what is left.'
        : 'Graph does not take a value. Compare the options with what it says; nothing of this request was written.'
  }
}

/** Whether the token lacks a permission, or its user a role: Graph says the same for both. */
function whatIsMissing(path: string, token: string): string {
  const permission = path.startsWith('/oauth2PermissionGrants')
    ? 'DelegatedPermissionGrant.ReadWrite.All'
    : 'Application.ReadWrite.All'
  const scopes = scopesOf(token)
  if (!scopes.includes(permission) && !scopes.includes('Directory.AccessAsUser.All')) {
    return `The token lacks ${permission}. Sign in without --az, or have an administrator consent to it for the app that signs in.`
  }
  return 'Whoever signed in may not do this: it takes the directory role Cloud Application Administrator, Application Administrator or Global Administrator.'
}

function scopesOf(token: string): readonly string[] {
  try {
    return String(decodeJwt(token)['scp'] ?? '').split(' ')
  } catch {
    return []
  }
}

/** The object of an answer; an empty one where it holds none. */
export function jsonOf({ body }: BoundedAnswer): object {
  try {
    const value: unknown = JSON.parse(body === '' ? '{}' : body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
