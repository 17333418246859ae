/** Scopes that are not the API's. Clients request them out of habit, and Entra needs them. */
const openIdScopes: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access'])

/** The API that scopes belong to: its client id, and the names that are offered. */
export interface ApiScopes {
  readonly apiClientId: string
  readonly offered: readonly string[]
}

/**
 * Reads a client's `scope` (RFC 6749 section 3.3): names of this API, with or without Entra's prefix. A client that
 * names none gets all that are offered, since a token without any is useless.
 *
 * @returns names without prefix; undefined if a scope is not this API's
 */
export function readScope(scope: string | undefined, { apiClientId, offered }: ApiScopes) {
  const requested = (scope ?? '').split(' ').filter((one) => one !== '')
  const names = requested.filter((one) => !openIdScopes.has(one)).map((one) => withoutPrefix(one, apiClientId))
  if (!names.every((name) => name === '.default' || offered.includes(name))) return undefined
  const wantsAll = names.length === 0 || names.includes('.default')
  return {
    names: wantsAll ? offered : offered.filter((name) => names.includes(name)),
    offlineAccess: requested.includes('offline_access'),
  }
}

/**
 * The scope of a request to Entra. The client-id form is used since the client may be the API itself, for which `api://`
 * is rejected on refresh (AADSTS90009); `offline_access` brings the refresh token, `openid` the nonce.
 */
export function entraScope(names: readonly string[], apiClientId: string): string {
  return [...names.map((name) => `${apiClientId}/${name}`), 'openid', 'profile', 'offline_access'].join(' ')
}

/** The `scope` of Entra's token response as clients know it: without prefix, and of this API alone. */
export function grantedNames(scope: string, apiClientId: string): string[] {
  return scope
    .split(' ')
    .filter((one) => one.includes('/') && !one.endsWith('/.default'))
    .map((one) => withoutPrefix(one, apiClientId))
    .filter((name) => !name.includes('/'))
}

function withoutPrefix(scope: string, apiClientId: string): string {
  const prefix = [`api://${apiClientId}/`, `${apiClientId}/`].find((one) => scope.toLowerCase().startsWith(one))
  return prefix === undefined ? scope : scope.slice(prefix.length)
}
