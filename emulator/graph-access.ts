import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Authority, issuerOf } from './entra/authority.ts'
import { revocationClaims } from './entra/claims-request.ts'
import { isSignedBy, type JwtClaims, readJwt } from './entra/jwt.ts'
import type { GraphCaller, GraphTenant } from './graph/setup.ts'
import { GRAPH } from './tenant.ts'

type Access = Awaited<ReturnType<GraphTenant['authenticate']>>

// Every user of a load test, with one renewal of each token.
const MAX_VERIFIED_TOKENS = 65_536

/**
 * Authenticates Graph's callers: a token for Graph, signed by this tenant, neither expired nor revoked.
 * The signature is verified once per token; expiry, key and revocation on every call.
 */
export function createGraphAccess(authority: Authority): GraphTenant {
  // Counted as sizes: with `max`, lru-cache allocates room for all of them at once.
  const verified = new LRUCache<string, { kid: unknown; claims: JwtClaims }>({
    maxSize: MAX_VERIFIED_TOKENS,
    sizeCalculation: () => 1,
  })

  function verify(token: string) {
    const digest = createHash('sha256').update(token).digest('base64')
    const cached = verified.get(digest)
    if (cached !== undefined) return cached
    const jwt = readJwt(token)
    const key = authority.keys.find(jwt?.header['kid'])
    if (jwt === undefined || key === undefined || !isSignedBy(jwt, key.publicKey)) return undefined
    const verifiedToken = { kid: key.kid, claims: jwt.claims }
    verified.set(digest, verifiedToken)
    return verifiedToken
  }

  return {
    get origin() {
      return authority.origin
    },

    get namesReader() {
      return authority.tenant.namesReader
    },

    get dataPrivacyPosts() {
      return authority.tenant.dataPrivacyPosts
    },

    get unfilterable() {
      return authority.tenant.unfilterable
    },

    async authenticate(authorization) {
      const token = /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1]
      if (token === undefined) return unauthorized(authority, 'Access token is empty.')
      const verifiedToken = verify(token)
      if (verifiedToken === undefined || authority.keys.find(verifiedToken.kid) === undefined) {
        return unauthorized(authority, 'Access token validation failure. Signature is invalid.')
      }
      return checkClaims(authority, verifiedToken.claims)
    },
  }
}

function checkClaims(authority: Authority, claims: JwtClaims): Access {
  if (claims['aud'] !== GRAPH.identifierUri && claims['aud'] !== GRAPH.clientId) {
    return unauthorized(authority, 'Access token validation failure. Invalid audience.')
  }
  if (claims['iss'] !== issuerOf(authority, 1)) {
    return unauthorized(authority, 'Access token validation failure. Invalid issuer.')
  }
  if (Number(claims['exp']) <= authority.now()) {
    return unauthorized(authority, 'Lifetime validation failed, the token is expired.')
  }
  const caller = claims['scp'] === undefined ? appCaller(claims) : userCaller(authority, claims)
  if (caller === undefined)
    return unauthorized(authority, 'The user of the access token was not found in the directory.')
  const validFrom = authority.tenant.directory.find(caller.user.id)?.sessionsValidFrom ?? 0
  return Number(claims['iat']) < validFrom ? challenge(authority, validFrom) : { ok: true, caller }
}

function userCaller(authority: Authority, claims: JwtClaims): GraphCaller | undefined {
  const user = authority.tenant.directory.find(String(claims['oid']))
  return user && { user, scopes: String(claims['scp']).split(' ') }
}

/** An app has no directory roles; its application roles take the place of scopes. */
function appCaller({ oid, roles }: JwtClaims): GraphCaller {
  return {
    user: { id: String(oid), userPrincipalName: '', roles: [] },
    scopes: Array.isArray(roles) ? roles.map(String) : [],
  }
}

function unauthorized(authority: Authority, message: string): Access {
  return { ok: false, status: 401, code: 'InvalidAuthenticationToken', message, wwwAuthenticate: realm(authority) }
}

/** https://learn.microsoft.com/entra/identity-platform/claims-challenge */
function challenge(authority: Authority, validFrom: number): Access {
  const message =
    'Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp'
  const claims = Buffer.from(revocationClaims(validFrom)).toString('base64')
  const wwwAuthenticate = `${realm(authority)}, errorDescription="${message}", error="insufficient_claims", claims="${claims}"`
  return { ok: false, status: 401, code: 'InvalidAuthenticationToken', message, wwwAuthenticate }
}

function realm({ origin }: Authority): string {
  return `Bearer realm="", authorization_uri="${origin}/common/oauth2/authorize", client_id="${GRAPH.clientId}"`
}
