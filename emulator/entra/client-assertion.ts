import type { X509Certificate } from 'node:crypto'
import type { AppRegistration } from '../tenant.ts'
import { AadstsError } from './aadsts.ts'
import { type Authority, issuerOf } from './authority.ts'
import { isSignedBy, type Jwt, readJwt } from './jwt.ts'

/** Entra allows for clocks that are five minutes apart. */
const leewaySeconds = 300

/**
 * Authenticates an application by a JWT (RFC 7523 section 3): signed with a registered certificate, or a token that
 * matches a federated credential.
 * Sources: Microsoft, "Microsoft identity platform application authentication certificate credentials" and "Workload
 * identity federation".
 *
 * @throws {AadstsError} 50027, 700027, 700024, or 700211 to 700213 for a federated token
 */
export function requireClientAssertion(authority: Authority, app: AppRegistration, assertion: string): void {
  const jwt = readJwt(assertion)
  if (jwt === undefined) throw new AadstsError(50027)
  if (jwt.claims['iss'] === app.clientId) requireOwnAssertion(authority, app, jwt)
  else requireFederatedToken(authority, app, jwt)
}

function requireOwnAssertion(authority: Authority, app: AppRegistration, jwt: Jwt): void {
  const certificate = app.certificates.find((candidate) => matchesThumbprint(jwt, candidate))
  if (certificate === undefined || !isSignedBy(jwt, certificate.publicKey, algorithmOf(jwt))) {
    throw new AadstsError(700027, { app: app.clientId })
  }
  const { aud, sub, jti, nbf, exp } = jwt.claims
  const audiences = [`${authority.origin}/${authority.tenant.tenantId}/oauth2/v2.0/token`, issuerOf(authority, 2)]
  if (sub !== app.clientId || !audiences.includes(String(aud)) || typeof jti !== 'string' || jti === '') {
    throw new AadstsError(50027)
  }
  const now = authority.now()
  const isExpired = Date.parse(certificate.validTo) <= now * 1000
  if (isExpired || !(Number(exp) + leewaySeconds > now) || !(Number(nbf) - leewaySeconds <= now)) {
    throw new AadstsError(700024)
  }
}

/** PS256 identifies the certificate by SHA-256, the older RS256 by SHA-1. */
function matchesThumbprint({ header }: Jwt, certificate: X509Certificate): boolean {
  return header['alg'] === 'PS256'
    ? header['x5t#S256'] === thumbprint(certificate.fingerprint256)
    : header['x5t'] === thumbprint(certificate.fingerprint)
}

function algorithmOf({ header }: Jwt): 'PS256' | 'RS256' {
  return header['alg'] === 'PS256' ? 'PS256' : 'RS256'
}

function thumbprint(fingerprint: string): string {
  return Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('base64url')
}

/** Only this tenant's own tokens can be verified, so only its managed identities can be federated. */
function requireFederatedToken(authority: Authority, app: AppRegistration, jwt: Jwt): void {
  const { iss, sub, aud, exp } = jwt.claims
  const byIssuer = app.federatedCredentials.filter((credential) => credential.issuer === iss)
  if (byIssuer.length === 0) throw new AadstsError(700211)
  const bySubject = byIssuer.filter((credential) => credential.subject === sub)
  if (bySubject.length === 0) throw new AadstsError(700213)
  if (!bySubject.some((credential) => credential.audiences.includes(String(aud)))) throw new AadstsError(700212)
  const key = authority.keys.find(jwt.header['kid'])
  if (key === undefined || !isSignedBy(jwt, key.publicKey)) throw new AadstsError(700027, { app: app.clientId })
  if (!(Number(exp) + leewaySeconds > authority.now())) throw new AadstsError(700024)
}
