import { Failure, type Reason } from '../errors/index.ts'
import { parseJson } from './parse-json.ts'
import { retryAfterSeconds } from './retry-after.ts'

/** Entra's response to a token request. */
export interface EntraResponse {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: string
}

/**
 * The fields of Entra's error that are logged (RFC 6749 section 5.2 with Microsoft's additions): names, codes and ids.
 * Not its description, which names users.
 */
export interface EntraError {
  readonly status: number
  readonly error?: string
  readonly suberror?: string
  readonly error_codes?: readonly number[]
  readonly correlation_id?: string
  readonly trace_id?: string
}

/**
 * What Entra's AADSTS codes, suberrors and OAuth errors mean for a call.
 * Source: Microsoft, "Microsoft Entra authentication and authorization error codes".
 */
const meanings = {
  // Secret wrong, expired; certificate unknown, assertion expired; federated identity rejected.
  credential_rejected: [7000215, 7000222, 7000218, 700027, 700024, 700211, 700212, 700213, 'invalid_client'],
  // Scope, resource, application.
  exchange_misconfigured: [
    ...[70011, 500011, 650053, 700016, 700038, 90002],
    ...['unauthorized_client', 'invalid_scope', 'invalid_resource', 'unsupported_grant_type'],
  ],
  user_consent_required: [65001, 'consent_required'],
  admin_consent_required: [90094, 650056, 650057],
  // Expired, revoked or invalid.
  assertion_rejected: [
    ...[50013, 50132, 50133, 50173, 70043, 500133, 500131, 240002],
    ...['bad_token', 'token_expired', 'interaction_required', 'invalid_grant'],
  ],
  // Not assigned, not in the tenant, disabled.
  user_not_allowed: [50020, 50034, 50057, 50105],
  // Blocked by policy without a way out.
  access_blocked: [53000, 53001, 53002, 53003],
  exchange_throttled: [50196],
  exchange_unavailable: [90033, 'temporarily_unavailable', 'server_error'],
} satisfies Partial<Record<Reason, readonly (number | string)[]>>

const reasons = new Map<number | string | undefined, Reason>(
  Object.entries(meanings).flatMap(([reason, known]) => known.map((one) => [one, reason as Reason])),
)

/** How long to wait where Entra throttles requests without Retry-After. */
const defaultWaitSeconds = 10
/** A wait of no more than this is nearly over at the one retry. */
const noWaitSeconds = 1

/**
 * The failure behind an unsuccessful response to a token request, with Entra's code in `aadsts`.
 *
 * @param adminConsentUrl where an administrator can consent; users are sent there too, since a middle tier has no page
 */
export function exchangeFailure(response: EntraResponse, adminConsentUrl: string): Failure {
  const { claims, ...named } = parseError(response.body)
  const cause: EntraError = { status: response.status, ...named }
  const code = decisiveCode(cause)
  const reason = reasonOf(cause, code, claims)
  const wait = retryAfterSeconds(response.retryAfter)
  const details = { cause, ...(code !== undefined && { aadsts: `AADSTS${code}` }) }
  switch (reason) {
    case 'claims_required':
      return new Failure(reason, { ...details, ...(claims !== undefined && { claims }) })
    case 'user_consent_required':
    case 'admin_consent_required':
      return new Failure(reason, { ...details, link: adminConsentUrl })
    case 'exchange_throttled':
      return new Failure(reason, { ...details, retryAfterSeconds: wait ?? defaultWaitSeconds })
    default:
      return new Failure(reason, { ...details, ...(wait !== undefined && { retryAfterSeconds: wait }) })
  }
}

/** For how many seconds Entra asked not to be called; 0 where it named no time worth waiting for. */
export function secondsToLeaveAlone({ namedWaitSeconds = 0 }: Failure): number {
  return namedWaitSeconds > noWaitSeconds ? namedWaitSeconds : 0
}

/** Whether the reason follows from a known AADSTS code, and not from an OAuth error that many causes share. */
export function isNamedByCode({ details: { aadsts } }: Failure): boolean {
  return aadsts !== undefined && reasons.has(Number(aadsts.slice('AADSTS'.length)))
}

/** A temporary error that is worth one retry at once. */
export function isWorthOneMoreTry(error: unknown): boolean {
  return error instanceof Failure && error.reason === 'exchange_unavailable' && secondsToLeaveAlone(error) === 0
}

/** The first code that is known, else the first. */
function decisiveCode({ error_codes = [] }: EntraError): number | undefined {
  return error_codes.find((code) => reasons.has(code)) ?? error_codes[0]
}

/** A claims challenge first, whichever error it comes with; then the AADSTS code, which says more than the error. */
function reasonOf(
  { status, suberror, error }: EntraError,
  code: number | undefined,
  claims: string | undefined,
): Reason {
  if (status === 429) return 'exchange_throttled'
  if (status >= 500) return 'exchange_unavailable'
  if (claims !== undefined) return 'claims_required'
  return reasons.get(code) ?? reasons.get(suberror) ?? reasons.get(error) ?? 'exchange_unavailable'
}

/** The fields of Entra's error body that have the documented types and forms; none of a body that is not JSON. */
function parseError(body: string): Omit<EntraError, 'status'> & { readonly claims?: string } {
  const parsed = parseJson(body)
  const fields = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<string, unknown>
  const text = (name: string, form: RegExp) => {
    const value = fields[name]
    return typeof value === 'string' && form.test(value) ? { [name]: value } : {}
  }
  const error_codes = codesOf(fields)
  return {
    ...text('error', /^[\w.-]{1,64}$/),
    ...text('suberror', /^[\w.-]{1,64}$/),
    ...text('claims', /^.{1,4000}$/s),
    ...text('correlation_id', /^[\da-f-]{1,36}$/i),
    ...text('trace_id', /^[\da-f-]{1,36}$/i),
    ...(error_codes.length > 0 && { error_codes }),
  }
}

/** Entra's codes: `error_codes`, or without them the one that the description begins with. */
function codesOf({ error_codes, error_description }: Record<string, unknown>): number[] {
  if (Array.isArray(error_codes)) return error_codes.filter((code) => Number.isSafeInteger(code)).slice(0, 10)
  const [, code] = /^AADSTS(\d{4,8})\b/.exec(String(error_description)) ?? []
  return code === undefined ? [] : [Number(code)]
}
