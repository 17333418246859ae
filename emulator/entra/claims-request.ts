import { AadstsError } from './aadsts.ts'

/** The claims that a sign-in with a `claims` parameter adds to tokens. */
export interface SatisfiedClaims {
  /** Satisfied authentication contexts; `p1` is that of multi-factor authentication. */
  acrs: string[]
  /** `cp1`: the client can handle claims challenges. */
  clientCapabilities: string[]
}

/** The policy in this tenant's challenges. */
const POLICY_ID = '2f7c9e10-64ab-4d0f-8a53-c1b0e7d94f04'
const MFA_CONTEXT = 'p1'

/** The claims request in a Conditional Access challenge: a JSON string, as Entra sends it. */
export const CONDITIONAL_ACCESS_CLAIMS = JSON.stringify({
  access_token: { capolids: { essential: true, values: [POLICY_ID] } },
})

/** The claims request of Graph for a token that was issued before a revocation. */
export function revocationClaims(validFrom: number): string {
  return JSON.stringify({ access_token: { nbf: { essential: true, value: String(validFrom) } } })
}

/**
 * Reads the `claims` parameter (OpenID Connect Core §5.5) of a sign-in; the user satisfies all of it.
 * @throws {AadstsError} 9002313 where it is not a JSON object
 */
export function readClaimsRequest(claims: string | undefined): SatisfiedClaims {
  const accessToken = member(parse(claims), 'access_token')
  const policies = [...Object.keys(accessToken)].some((name) => name === 'capolids' || name === 'polids')
  return {
    acrs: [...new Set([...(policies ? [MFA_CONTEXT] : []), ...requestedValues(accessToken, 'acrs')])],
    clientCapabilities: requestedValues(accessToken, 'xms_cc'),
  }
}

function parse(claims: string | undefined): Record<string, unknown> {
  if (claims === undefined) return {}
  try {
    const parsed: unknown = JSON.parse(claims)
    if (isObject(parsed)) return parsed
  } catch {
    // Rejected below, like any JSON that is not an object.
  }
  throw new AadstsError(9002313)
}

function requestedValues(claims: Record<string, unknown>, name: string): string[] {
  const { value, values } = member(claims, name)
  return [value, ...(Array.isArray(values) ? values : [])].filter((item) => typeof item === 'string')
}

function member(object: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = object[name]
  return isObject(value) ? value : {}
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
