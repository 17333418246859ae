import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Authority, issuerOf } from './entra/authority.ts'
import { revocationClaims } from './entra/claims-request.ts'
import { isSignedBy, type JwtClaims, readJwt } from './entra/jwt.ts'
import type { GraphCaller, GraphTenant } from './graph/frame.ts'
import { GRAPH } from './tenant.ts'

type Access = Awaited<ReturnType<GraphTenant['authenticate']>>

// Every user of a load run, with room for one renewal of each token.
const MAX_VERIFIED_TOKENS = 65_536

/**
 * How Graph proves a caller: a token this tenant signed, for Graph, still in time and not revoked.
 * A signature is checked once for each token; time, key and revocation are checked on every call.
 */
export function createGraphAccess(authority: Authority): GraphTenant {
  // Counted as sizes: with `max`, lru-cache allocates room for all of them at once.
  const verified = new LRUCache<string, { kid: unknown; claims: JwtClaims }>({
    maxSize: MAX_VERIFIED_TOKENS,
    sizeCalculation: () => 1,
  })

  function verify(token: string) {
    const digest = createHash('sha256').update(token).digest('base64')
    const known = verified.get(digest)
    if (known !== undefined) return known
    const jwt = readJwt(token)
    const key = authority.keys.find(jwt?.header['kid'])
    if (jwt === undefined || key === undefined || !isSignedBy(jwt, key.publicKey)) return undefined
    const proven = { kid: key.kid, claims: jwt.claims }
    verified.set(digest, proven)
    return proven
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
      if (token === undefined) return refuse(authority, 'Access token is empty.')
      const proven = verify(token)
      if (proven === undefined || authority.keys.find(proven.kid) === undefined) {
        return refuse(authority, 'Access token validation failure. Signature is invalid.')
      }
      return admit(authority, proven.claims)
    },
  }
}

function admit(authority: Authority, claims: JwtClaims): Access {
  if (claims['aud'] !== GRAPH.identifierUri && claims['aud'] !== GRAPH.clientId) {
    return refuse(authority, 'Access token validation failure. Invalid audience.')
  }
  if (claims['iss'] !== issuerOf(authority, 1)) {
    return refuse(authority, 'Access token validation failure. Invalid issuer.')
  }
  if (Number(claims['exp']) <= authority.now()) {
    return refuse(authority, 'Lifetime validation failed, the token is expired.')
  }
  const caller = claims['scp'] === undefined ? appCaller(claims) : userCaller(authority, claims)
  if (caller === undefined) return refuse(authority, 'The user of the access token was not found in the directory.')
  const validFrom = authority.tenant.directory.find(caller.user.id)?.sessionsValidFrom ?? 0
  return Number(claims['iat']) < validFrom ? challenge(authority, validFrom) : { ok: true, caller }
}

function userCaller(authority: Authority, claims: JwtClaims): GraphCaller | undefined {
  const user = authority.tenant.directory.find(String(claims['oid']))
  return user && { user, scopes: String(claims['scp']).split(' ') }
}

/** An app has no directory roles of its own; its application roles stand where a user's scopes would. */
function appCaller({ oid, roles }: JwtClaims): GraphCaller {
  return {
    user: { id: String(oid), userPrincipalName: '', roles: [] },
    scopes: Array.isArray(roles) ? roles.map(String) : [],
  }
}

function refuse(authority: Authority, message: string): Access {
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
