import { hash } from 'node:crypto'
import type { Reason } from '../../errors/index.ts'

/** Clock skew that is forgiven in `exp`, `nbf` and `iat`. */
export const leewaySeconds = 60
/** Entra's longest access token, under continuous access evaluation, lives 28 hours. */
const longestLifetimeSeconds = 30 * 3600

const graphAudiences: readonly unknown[] = [
  'https://graph.microsoft.com',
  'https://graph.microsoft.com/',
  '00000003-0000-0000-c000-000000000000',
]

/** What a token must say to be one of this API's. */
export interface Expectations {
  readonly tenantId: string
  readonly clientId: string
  readonly issuers: readonly string[]
  readonly requiredScopes: readonly string[]
  /** An empty list lets every application call. */
  readonly allowedClientIds: readonly string[]
}

/** The signed-in user behind a proven token, and the application that acts for them. Frozen: it is shared by calls. */
export interface Caller {
  readonly tenantId: string
  /** The user, as logs and limits know them: a hash over `tid` and `oid` that names nobody. */
  readonly userKey: string
  /** `azp` (v2) or `appid` (v1): the application that asked for the token. */
  readonly clientId: string
  readonly scopes: readonly string[]
  /** `exp`, in milliseconds since the epoch. */
  readonly expiresAtMs: number
  /** SHA-256 of the token, base64url. The token itself is kept nowhere. */
  readonly tokenHash: string
}

type Claims = Readonly<Record<string, unknown>>

/**
 * Judges the JOSE header of a token before any key is looked up.
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
 * Judges the claims of a token whose signature holds. The order is from "not ours at all" to "ours, but not enough".
 *
 * Sources: Microsoft, "Access token claims reference" and "Access tokens: validate"; RFC 9068 section 4.
 *
 * @param nowSeconds the time to judge by, in seconds since the epoch
 */
export function checkClaims(claims: Claims, expected: Expectations, nowSeconds: number): Reason | undefined {
  return (
    checkAudience(claims, expected) ??
    checkOrigin(claims, expected) ??
    checkTimes(claims, nowSeconds) ??
    checkBinding(claims) ??
    checkSubject(claims) ??
    checkPermission(claims, expected)
  )
}

/** Whether a token is meant for Graph: told apart because sending one here is the commonest mistake. */
export function isGraphToken(claims: Claims): boolean {
  const audience = claims['aud']
  return Array.isArray(audience)
    ? audience.some((one) => graphAudiences.includes(one))
    : graphAudiences.includes(audience)
}

function checkAudience({ aud }: Claims, { clientId }: Expectations): Reason | undefined {
  if (aud === undefined) return 'missing_claim'
  if (aud === clientId || aud === `api://${clientId}`) return undefined
  return isGraphToken({ aud }) ? 'graph_audience' : 'wrong_audience'
}

function checkOrigin({ iss, tid }: Claims, expected: Expectations): Reason | undefined {
  if (iss === undefined || tid === undefined) return 'missing_claim'
  if (typeof iss !== 'string' || !expected.issuers.includes(iss)) return 'wrong_issuer'
  return tid === expected.tenantId ? undefined : 'wrong_tenant'
}

function checkTimes({ exp, nbf, iat }: Claims, now: number): Reason | undefined {
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return 'missing_claim'
  if (exp + leewaySeconds <= now) return 'expired'
  if (exp > now + longestLifetimeSeconds) return 'lifetime_too_long'
  for (const start of [nbf, iat]) {
    if (start === undefined) continue
    if (typeof start !== 'number' || start - leewaySeconds > now) return 'not_yet_valid'
  }
  return undefined
}

/**
 * A token that is bound to a key (`cnf`, RFC 7800) is worth something only together with a proof of that key. As a bearer
 * token it must be rejected (RFC 9449 section 7.2), or whoever stole it could use it.
 */
function checkBinding({ cnf }: Claims): Reason | undefined {
  return cnf === undefined ? undefined : 'key_bound_token'
}

function checkSubject(claims: Claims): Reason | undefined {
  const { oid, scp, idtyp } = claims
  if (idtyp === 'app') return 'app_only'
  if (typeof scp !== 'string' || scp === '') return clientOf(claims) === undefined ? 'id_token' : 'app_only'
  return typeof oid === 'string' && oid !== '' ? undefined : 'missing_claim'
}

function checkPermission(claims: Claims, expected: Expectations): Reason | undefined {
  const scopes = scopesOf(claims)
  if (!expected.requiredScopes.every((scope) => scopes.includes(scope))) return 'missing_scope'
  const client = clientOf(claims)
  if (expected.allowedClientIds.length === 0) return undefined
  return client !== undefined && expected.allowedClientIds.includes(client) ? undefined : 'client_not_allowed'
}

/** The caller that proven claims speak of. Call it only after {@link checkClaims} found nothing. */
export function callerOf(claims: Claims, tokenHash: string): Caller {
  return Object.freeze({
    tenantId: String(claims['tid']),
    userKey: hash('sha256', `${claims['tid']}/${claims['oid']}`, 'base64url').slice(0, 22),
    clientId: clientOf(claims) ?? '',
    scopes: Object.freeze(scopesOf(claims)),
    expiresAtMs: Number(claims['exp']) * 1000,
    tokenHash,
  })
}

function scopesOf({ scp }: Claims): string[] {
  return String(scp).split(' ')
}

function clientOf({ azp, appid }: Claims): string | undefined {
  const client = azp ?? appid
  return typeof client === 'string' ? client.toLowerCase() : undefined
}
