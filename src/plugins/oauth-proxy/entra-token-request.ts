import { setTimeout } from 'node:timers/promises'
import { entryOf, Failure } from '../../errors/index.ts'
import { deadlineIn } from '../../lib/deadline.ts'
import { type EntraError, exchangeFailure } from '../../lib/exchange-failure.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { postForm } from '../../lib/post-form.ts'
import { withOneRetry } from '../../lib/retry-once.ts'
import { userKeyOf } from '../auth/claims.ts'
import type { ClientAuth } from '../client-credential/client-authentication.ts'
import type { Context } from './context.ts'

type RedeemContext = Pick<Context, 'entraClientId' | 'withClientAuth' | 'endpoints' | 'entra' | 'tokenMs'>

/**
 * Redeems a grant as the app that users sign in to (Microsoft, "OAuth 2.0 authorization code flow"). MSAL cannot be used:
 * it does not expose refresh tokens.
 *
 * A temporary error is retried once, unless Entra set Retry-After. If Entra had redeemed the code the first time, the
 * retry fails and the user signs in again, as without it.
 *
 * @param grant without client id and client authentication (RFC 6749 sections 4.1.3 and 6)
 * @throws {Failure} `grant_rejected` if the user has to sign in again, else what is wrong with this server or with Entra
 */
export async function redeemGrant(
  { entraClientId, withClientAuth, endpoints, entra, tokenMs }: RedeemContext,
  grant: Readonly<Record<string, string>>,
  correlationId: string,
  sleep: (ms: number) => Promise<void> = setTimeout,
): Promise<SignInTokens> {
  const deadline = deadlineIn(tokenMs)
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'client-request-id': correlationId }
  const attempt = async (clientAuth: ClientAuth) => {
    const body = new URLSearchParams({ client_id: entraClientId, ...grant, ...clientAuth }).toString()
    const response = await postForm(entra, endpoints.tokenUrl, { headers, body }, deadline)
    if (response.status !== 200) throw grantFailure(exchangeFailure(response, endpoints.adminConsentUrl))
    return readTokens(response.body)
  }
  return withOneRetry(() => withClientAuth(attempt, deadline), { deadline, sleep })
}

/**
 * Exchange failures differ by what a caller of a middle tier can do; a client that signs a user in can do one thing about
 * all that concern the user: sign in again. Entra's first error code goes into the log.
 */
function grantFailure(failure: Failure): Failure {
  const entry = entryOf(failure.reason)
  if (entry.kind === 'http' && entry.status >= 500) return failure
  const { cause } = failure.details
  const [code] = (cause as EntraError).error_codes ?? []
  return new Failure('grant_rejected', { cause, ...(code !== undefined && { aadsts: `AADSTS${code}` }) })
}

/** Entra's tokens for a code or a refresh token. */
export type SignInTokens = ReturnType<typeof readTokens>

function readTokens(body: string) {
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
    /** As Entra wrote it, prefixes and all. */
    scope: textOf(scope),
    refreshToken: textOf(refresh_token),
    /** The `nonce` of the ID token, where one came and has it. */
    nonce: textOf(claimsOf(textOf(id_token) ?? '')['nonce']),
    user: userKeyOf(claimsOf(accessToken)),
  }
}

/** Not verified: the token came from Entra itself, over TLS (OpenID Connect Core 3.1.3.7, item 6). */
function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return parseObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
