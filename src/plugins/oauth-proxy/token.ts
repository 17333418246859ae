import { randomBytes } from 'node:crypto'
import type { ProtectedResource } from '../../config/resource.ts'
import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed, type RedirectRule } from '../../lib/redirect-policy.ts'
import type { Code } from './authorization.ts'
import { checkResource } from './authorization-request.ts'
import type { createClients, IdentifiedClient } from './clients.ts'
import type { Ledger } from './one-time-store.ts'
import { optional, type Parameters, required } from './parameters.ts'
import { isVerified } from './pkce.ts'
import { rejectedRedirect } from './rejected-redirect.ts'
import { type ApiScopes, entraScope, grantedNames, readScope } from './scopes.ts'
import type { Seal } from './seal.ts'
import type { RedeemGrant, SignInGrant, SignInTokens } from './sign-in-grant.ts'
import type { TokenAnswer } from './token-response.ts'

/** As long as Entra keeps a refresh token that is not used (Microsoft, "Refresh tokens: token lifetime"). */
const refreshTokenLifetimeMs = 90 * 24 * 3_600_000
/**
 * A refresh token that was used serves for this long after: the answer was lost, or two windows of one client came at
 * once.
 */
const defaultReuseGraceMs = 60_000
/** Longer than any code lives. */
const usedCodeLifetimeMs = 10 * 60_000

/** Entra's refresh token, for the one client that it was given to. */
export interface RefreshToken {
  /** The sign-in that it descends from: revoking one revokes them all. */
  readonly grant: string
  /** Its own: the next one has another. */
  readonly id: string
  readonly client: string
  /** Whether the client has to authenticate wherever it brings the token. */
  readonly hasSecret: boolean
  /** Where the sign-in went: the token counts for as long as it might go there again. */
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly offlineAccess: boolean
  readonly entraToken: string
}

/** A token request, with what its log line and Entra's log share. */
export interface TokenRequest {
  readonly form: Parameters
  /** The `Authorization` header. */
  readonly authorization: string | undefined
  readonly correlationId: string
  /** Who asks. */
  readonly address: string
}

/** Tokens for a client, and who that is, for the log. */
export interface Issued {
  readonly client: string
  readonly grant: SignInGrant['grant_type']
  readonly answer: TokenAnswer
}

export interface TokenOptions {
  readonly callbackUrl: string
  readonly resource: ProtectedResource
  readonly apiScopes: ApiScopes
  readonly redirects: readonly RedirectRule[]
  readonly clients: ReturnType<typeof createClients>
  readonly codes: Seal<Code>
  readonly refreshTokens: Seal<RefreshToken>
  readonly redeem: RedeemGrant
  /** Codes that were redeemed. */
  readonly usedCodes: Ledger
  /** Sign-ins whose refresh tokens count no longer. */
  readonly revoked: Ledger
  /** Refresh tokens that were used, and those used a moment ago. */
  readonly usedRefreshTokens: Ledger
  readonly reuseGraceMs?: number
}

/**
 * The part of a sign-in that happens between client and server: codes and refresh tokens for access tokens. Everything
 * is checked before anything is redeemed, so that whoever holds a code that is not theirs cannot even use it up.
 */
export function createTokenEndpoint(options: TokenOptions) {
  const { resource, apiScopes, clients, codes, refreshTokens, redeem, usedCodes, revoked, usedRefreshTokens } = options
  const { reuseGraceMs = defaultReuseGraceMs } = options

  /**
   * `POST /token` with a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6). OAuth 2.1 section 10.2 took `redirect_uri`
   * out of it, since PKCE does what it was for; a client that sends it has to send the same.
   *
   * @throws {Failure}
   */
  async function redeemCode({ form, authorization, correlationId }: TokenRequest): Promise<Issued> {
    const { key: client, hasSecret } = await identify(form, authorization)
    const opened = await codes.open(required(form, 'code'))
    if (!('value' in opened)) throw new Failure(opened.rejected === 'expired' ? 'code_expired' : 'code_refused')
    const { id, asked, entraCode, verifier, nonce } = opened.value
    const redirectUri = optional(form, 'redirect_uri') ?? asked.redirectUri
    const isSame = asked.client === client && asked.redirectUri === redirectUri
    // The list may have changed since the code was made.
    if (!isSame || !isRedirectAllowed(redirectUri, options.redirects)) throw new Failure('code_refused')
    if (!isVerified(required(form, 'code_verifier'), asked.challenge)) throw new Failure('verifier_refused')
    checkResource(form, resource)
    if (!(await usedCodes.enter(`code:${id}`, usedCodeLifetimeMs))) throw new Failure('code_used')

    const scope = entraScope(asked.scopes, apiScopes.apiClientId)
    const tokens = await redeem(
      {
        grant_type: 'authorization_code',
        code: entraCode,
        redirect_uri: options.callbackUrl,
        code_verifier: verifier,
        scope,
      },
      correlationId,
    ).catch(async (error: unknown) => {
      // Not used after all: the client may come again with it.
      if (!(error instanceof Failure && error.reason === 'grant_refused')) await usedCodes.remove(`code:${id}`)
      throw error
    })
    // PKCE already ties the code to this sign-in. Where Entra says which one the ID token is of, it has to be this one.
    if (tokens.nonce !== undefined && tokens.nonce !== nonce) throw new Failure('code_refused')
    const { scopes, offlineAccess } = asked
    const answer = await answerOf(tokens, { client, hasSecret, redirectUri, scopes, offlineAccess, grant: id })
    return { client, grant: 'authorization_code', answer }
  }

  /**
   * `POST /token` with a refresh token (RFC 6749 section 6). Each refresh gives another one. One that is used again
   * later than a lost answer explains is in two hands, and the sign-in's tokens end (RFC 9700 section 4.14.2), as far
   * as is known: here, and in the store that replicas share. A refresh that failed uses nothing up. They end as well
   * with what the sign-in rested on: its redirect URI, on the operator's list and among the client's own.
   *
   * @throws {Failure}
   */
  async function refresh({ form, authorization, correlationId, address }: TokenRequest): Promise<Issued> {
    const { id: clientId, key: client, hasSecret } = await identify(form, authorization)
    const opened = await refreshTokens.open(required(form, 'refresh_token'))
    if (!('value' in opened) || opened.value.client !== client) throw new Failure('refresh_token_refused')
    const { grant, id, redirectUri, scopes, offlineAccess, entraToken } = opened.value
    checkResource(form, resource)
    const asked = optional(form, 'scope')
    const narrowed = asked === undefined ? scopes : readScope(asked, { ...apiScopes, offered: scopes })?.names
    if (narrowed === undefined) throw new Failure('scope_refused', { detail: `There is ${scopes.join(' ')}.` })
    if (await revoked.has(`revoked:${grant}`)) throw new Failure('refresh_token_refused')
    if (await isReused(id)) {
      await revoked.enter(`revoked:${grant}`, refreshTokenLifetimeMs)
      throw new Failure('refresh_token_reused')
    }
    const isListed = isRedirectAllowed(redirectUri, options.redirects)
    if (!isListed || !(await clients.mayUse(clientId, redirectUri, address))) {
      throw new Failure('redirect_withdrawn', rejectedRedirect(redirectUri, options.redirects))
    }

    const scope = entraScope(narrowed, apiScopes.apiClientId)
    const tokens = await redeem({ grant_type: 'refresh_token', refresh_token: entraToken, scope }, correlationId)
    await usedRefreshTokens.enter(`grace:${id}`, reuseGraceMs)
    await usedRefreshTokens.enter(`used:${id}`, refreshTokenLifetimeMs)
    const kept = { ...tokens, refreshToken: tokens.refreshToken ?? entraToken }
    const answer = await answerOf(kept, { grant, client, hasSecret, redirectUri, scopes, offlineAccess }, narrowed)
    return { client, grant: 'refresh_token', answer }
  }

  async function identify(form: Parameters, authorization: string | undefined): Promise<IdentifiedClient> {
    const client = await clients.identify(form, authorization)
    if (client === undefined) throw new Failure('parameter_missing', { detail: 'It is client_id.' })
    return client
  }

  async function isReused(id: string): Promise<boolean> {
    return (await usedRefreshTokens.has(`used:${id}`)) && !(await usedRefreshTokens.has(`grace:${id}`))
  }

  async function answerOf(
    { accessToken, expiresInSeconds, scope, refreshToken }: SignInTokens,
    of: Omit<RefreshToken, 'id' | 'entraToken'>,
    asked: readonly string[] = of.scopes,
  ): Promise<TokenAnswer> {
    const granted = scope === undefined ? asked : grantedNames(scope, apiScopes.apiClientId)
    const names = of.offlineAccess && refreshToken !== undefined ? [...granted, 'offline_access'] : granted
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: Math.floor(expiresInSeconds),
      scope: names.join(' '),
      ...(refreshToken !== undefined && {
        refresh_token: await refreshTokens.seal(
          { ...of, id: randomBytes(12).toString('base64url'), entraToken: refreshToken },
          refreshTokenLifetimeMs,
        ),
      }),
    }
  }

  return {
    /** @throws {Failure} */
    async issue(request: TokenRequest): Promise<Issued> {
      switch (required(request.form, 'grant_type')) {
        case 'authorization_code':
          return redeemCode(request)
        case 'refresh_token':
          return refresh(request)
        default:
          throw new Failure('grant_type_refused')
      }
    },

    /**
     * `POST /revoke` (RFC 7009). Entra revokes single tokens for nobody; what can be done is to take this sign-in's
     * refresh tokens no longer. Whatever cannot be revoked is answered alike, as section 2.2 has it. A public client that
     * does not say who it is has the token: nobody else is harmed if that ends.
     *
     * @throws {Failure} where the client is unknown, does not authenticate though it has to, or the request is malformed
     */
    async revoke({ form, authorization }: TokenRequest): Promise<void> {
      const client = await clients.identify(form, authorization)
      const opened = await refreshTokens.open(required(form, 'token'))
      if (!('value' in opened)) return
      if (client === undefined && opened.value.hasSecret) throw new Failure('client_secret_refused')
      if (client === undefined || opened.value.client === client.key) {
        await revoked.enter(`revoked:${opened.value.grant}`, refreshTokenLifetimeMs)
      }
    },
  }
}
