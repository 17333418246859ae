/** Checks the header and the claims of an access token, and reads the caller from them. */

import { hash } from 'node:crypto'
import { microsoftHosts } from '../../config/graph.ts'
import type { Config } from '../../config/index.ts'
import type { Reason } from '../../errors/index.ts'

/** Clock skew that is allowed for in `exp`, `nbf` and `iat`. */
const leewaySeconds = 60
/** Entra's longest access tokens, under continuous access evaluation, are valid for 28 hours. */
const maxLifetimeSeconds = 30 * 3600

/** In each cloud by its host, in all of them by its application id. */
const graphAudiences: readonly unknown[] = [
  ...[...microsoftHosts].flatMap((host) => [`https://${host}`, `https://${host}/`]),
  '00000003-0000-0000-c000-000000000000',
]

/** What the claims of a token for this API must be. */
export type Expectations = Pick<Config['entra'], 'tenantId' | 'clientId'> &
  Pick<Config['callers'], 'requiredScopes' | 'allowedClientIds'> & { readonly issuers: readonly string[] }

type Claims = Readonly<Record<string, unknown>>

/**
 * Checks the JOSE header of a token before a key is looked up.
 *
 * RS256 and nothing else (RFC 8725 section 3.1); no critical extensions are understood (RFC 7515 section 4.1.11).
 */
export function checkHeader(header: Claims): Reason | undefined {
  if (header['alg'] !== 'RS256') return 'algorithm_not_supported'
  if (header['crit'] !== undefined) return 'malformed_token'
  const kid = header['kid']
  return typeof kid === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(kid) ? undefined : 'unknown_key'
}

/**
 * Checks the claims of a token whose signature is valid.
 *
 * Sources: Microsoft, "Access token claims reference" and "Access tokens: validate"; RFC 9068 section 4.
 *
 * @param nowSeconds seconds since the epoch
 */
export function checkClaims(claims: Claims, expected: Expectations, nowSeconds: number): Reason | undefined {
  // From "not for this API" to "valid, but not allowed": the first failure is the reason.
  return (
    checkAudience(claims, expected) ??
    checkIssuer(claims, expected) ??
    checkTenant(claims, expected) ??
    checkExpiry(claims, nowSeconds) ??
    checkStart(claims, nowSeconds) ??
    checkKeyBinding(claims) ??
    checkUser(claims) ??
    checkScopes(claims, expected) ??
    checkClient(claims, expected)
  )
}

function checkAudience({ aud }: Claims, { clientId }: Expectations): Reason | undefined {
  if (aud === undefined) return 'missing_claim'
  if (aud === clientId || aud === `api://${clientId}`) return undefined
  return isGraphToken({ aud }) ? 'graph_audience' : 'wrong_audience'
}

/** Whether a token is for Graph, which has a reason of its own: sending one here is the commonest mistake. */
export function isGraphToken({ aud }: Claims): boolean {
  return [aud].flat().some((audience) => graphAudiences.includes(audience))
}

function checkIssuer({ iss }: Claims, { issuers }: Expectations): Reason | undefined {
  if (iss === undefined) return 'missing_claim'
  return typeof iss === 'string' && issuers.includes(iss) ? undefined : 'wrong_issuer'
}

function checkTenant({ tid }: Claims, { tenantId }: Expectations): Reason | undefined {
  if (tid === undefined) return 'missing_claim'
  return tid === tenantId ? undefined : 'wrong_tenant'
}

function checkExpiry({ exp }: Claims, nowSeconds: number): Reason | undefined {
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return 'missing_claim'
  if (exp + leewaySeconds <= nowSeconds) return 'expired'
  return exp > nowSeconds + maxLifetimeSeconds ? 'lifetime_too_long' : undefined
}

function checkStart({ nbf, iat }: Claims, nowSeconds: number): Reason | undefined {
  const times = [nbf, iat].filter((time) => time !== undefined)
  if (!times.every((time) => typeof time === 'number')) return 'missing_claim'
  return times.every((time) => time - leewaySeconds <= nowSeconds) ? undefined : 'not_yet_valid'
}

/**
 * A key-bound token (`cnf`, RFC 7800) is valid only with a proof of possession of that key. As a bearer token it must be
 * rejected (RFC 9449 section 7.2), or whoever stole it could use it.
 */
function checkKeyBinding({ cnf }: Claims): Reason | undefined {
  return cnf === undefined ? undefined : 'key_bound_token'
}

function checkUser(claims: Claims): Reason | undefined {
  const { oid, scp, idtyp } = claims
  if (idtyp === 'app') return 'app_only'
  if (typeof scp !== 'string' || scp === '') return readClientId(claims) === undefined ? 'id_token' : 'app_only'
  return typeof oid === 'string' && oid !== '' ? undefined : 'missing_claim'
}

function checkScopes(claims: Claims, { requiredScopes }: Expectations): Reason | undefined {
  const scopes = readScopes(claims)
  return requiredScopes.every((scope) => scopes.includes(scope)) ? undefined : 'missing_scope'
}

function checkClient(claims: Claims, { allowedClientIds }: Expectations): Reason | undefined {
  if (allowedClientIds.length === 0) return undefined
  const client = readClientId(claims)
  return client !== undefined && allowedClientIds.includes(client) ? undefined : 'client_not_allowed'
}

/** The signed-in user of a verified token, and the application that acts for them. */
export type Caller = ReturnType<typeof toCaller>

/** Call it only with claims that {@link checkClaims} accepts. The result is frozen: requests share it. */
export function toCaller(claims: Claims, tokenHash: string) {
  return Object.freeze({
    tenantId: String(claims['tid']),
    /** The user in logs and rate limits: a hash over `tid` and `oid`, which names nobody. */
    userKey: userKeyOf(claims),
    /** `azp` (v2) or `appid` (v1): the application that requested the token. */
    clientId: readClientId(claims) ?? '',
    scopes: Object.freeze(readScopes(claims)),
    /** `exp`, in milliseconds since the epoch. */
    expiresAtMs: Number(claims['exp']) * 1000,
    /** SHA-256 of the token, base64url. The token itself is not cached. */
    tokenHash,
  })
}

/** The same for every token of a user. */
export function userKeyOf({ tid, oid }: Claims): string {
  return hash('sha256', `${tid}/${oid}`, 'base64url').slice(0, 22)
}

function readScopes({ scp }: Claims): string[] {
  return String(scp).split(' ')
}

function readClientId({ azp, appid }: Claims): string | undefined {
  const client = azp ?? appid
  return typeof client === 'string' ? client.toLowerCase() : undefined
}
