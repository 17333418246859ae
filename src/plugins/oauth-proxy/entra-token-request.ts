import type { TenantEndpoints } from '../../config/tenant.ts'
import { entryOf, Failure } from '../../errors/index.ts'
import { type BoundedClient, TransportError } from '../../lib/bounded-client.ts'
import { type Deadline, deadlineIn } from '../../lib/deadline.ts'
import { type EntraError, exchangeFailure } from '../../lib/exchange-failure.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { postForm } from '../../lib/post-form.ts'
import { withOneRetry } from '../../lib/retry-once.ts'
import type { ClientAuth, WithClientAuth } from '../client-credential/client-authentication.ts'

/** Entra's tokens for a code or a refresh token. */
export interface SignInTokens {
  readonly accessToken: string
  readonly expiresInSeconds: number
  /** As Entra wrote it, prefixes and all. */
  readonly scope: string | undefined
  readonly refreshToken: string | undefined
  /** The `nonce` of the ID token, where one came and has it. */
  readonly nonce: string | undefined
}

/** A grant, without client id and client authentication (RFC 6749 sections 4.1.3 and 6). */
export type SignInGrant =
  | {
      readonly grant_type: 'authorization_code'
      readonly code: string
      readonly redirect_uri: string
      readonly code_verifier: string
      readonly scope: string
    }
  | { readonly grant_type: 'refresh_token'; readonly refresh_token: string; readonly scope: string }

export interface RedeemGrantOptions {
  readonly clientId: string
  readonly withClientAuth: WithClientAuth
  readonly endpoints: TenantEndpoints
  readonly http: Pick<BoundedClient, 'request'>
  /** For all of it. */
  readonly deadlineMs: number
  readonly sleep?: (ms: number) => Promise<void>
}

/**
 * Microsoft, "OAuth 2.0 authorization code flow". MSAL cannot be used: it does not expose refresh tokens.
 *
 * A temporary error is retried once, unless Entra set Retry-After. If Entra had redeemed the code the first time, the
 * retry fails and the user signs in again, as without it.
 *
 * @returns a function that redeems a grant as the app that users sign in to. It throws only {@link Failure}:
 *   `grant_rejected` if the user has to sign in again, else what is wrong with this server or with Entra
 */
export function createRedeemGrant({
  clientId,
  withClientAuth,
  endpoints,
  http,
  deadlineMs,
  sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}: RedeemGrantOptions) {
  async function redeem(body: string, correlationId: string, deadline: Deadline): Promise<SignInTokens> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'client-request-id': correlationId }
    const response = await postForm(http, endpoints.tokenUrl, { headers, body }, deadline).catch((error: unknown) => {
      throw error instanceof TransportError ? new Failure('exchange_unavailable', { cause: error }) : error
    })
    if (response.status !== 200) throw grantFailure(exchangeFailure(response, endpoints.adminConsentUrl))
    return readTokens(response.body)
  }

  return (grant: SignInGrant, correlationId: string): Promise<SignInTokens> => {
    const deadline = deadlineIn(deadlineMs)
    const attempt = (clientAuth: ClientAuth) => {
      const form = new URLSearchParams({ client_id: clientId, ...grant, ...clientAuth })
      return redeem(form.toString(), correlationId, deadline)
    }
    return withOneRetry(() => withClientAuth(attempt, deadline), { deadline, sleep })
  }
}

/**
 * Exchange failures differ by what a caller of a middle tier can do; a client that signs a user in can do one thing about
 * all that concern the user: sign in again. Entra's first error code goes into the log.
 */
function grantFailure(failure: Failure): Failure {
  const entry = entryOf(failure.reason)
  if (entry.kind === 'http' && entry.status >= 500) return failure
  const { error_codes } = failure.details.cause as EntraError
  const [code] = error_codes ?? []
  return new Failure('grant_rejected', {
    cause: failure.details.cause,
    ...(code !== undefined && { aadsts: `AADSTS${code}` }),
  })
}

function readTokens(body: string): SignInTokens {
  const { access_token, token_type, expires_in, scope, refresh_token, id_token } = parseObject(body)
  const accessToken = textOf(access_token)
  const expiresInSeconds = Number(expires_in)
  const isUsable = /^bearer$/i.test(String(token_type)) && Number.isFinite(expiresInSeconds) && expiresInSeconds > 0
  if (accessToken === undefined || !isUsable) {
    throw new Failure('exchange_unavailable', { cause: new Error('Entra responded without usable tokens') })
  }
  return {
    accessToken,
    expiresInSeconds,
    scope: textOf(scope),
    refreshToken: textOf(refresh_token),
    nonce: textOf(claimsOf(textOf(id_token) ?? '')['nonce']),
  }
}

/** Not verified: the token came from Entra itself, over TLS (OpenID Connect Core 3.1.3.7, item 6). */
function claimsOf(idToken: string): Readonly<Record<string, unknown>> {
  return parseObject(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
