import type { ProtectedResource } from '../../entra/resource.ts'
import type { RedeemGrant, SignInGrant, SignInTokens } from '../../entra/sign-in-grant.ts'
import { Failure } from '../../errors.ts'
import { checkResource } from '../../oauth/authorization-request.ts'
import { optional, type Parameters, required } from '../../oauth/parameters.ts'
import { isVerified } from '../../oauth/pkce.ts'
import { isRedirectAllowed, type RedirectRule } from '../../oauth/redirect-policy.ts'
import { type ApiScopes, entraScope, grantedNames, readScope } from '../../oauth/scopes.ts'
import type { Seal } from '../../oauth/seal.ts'
import type { TokenAnswer } from '../../oauth/token-answer.ts'
import type { Code } from './authorization.ts'
import type { createClients } from './clients.ts'
import type { Ledger } from './ledger.ts'

/** As long as Entra keeps a refresh token that is not used (Microsoft, "Refresh tokens: token lifetime"). */
const refreshTokenLifetimeMs = 90 * 24 * 3_600_000
/** Longer than any code lives. */
const usedCodeLifetimeMs = 10 * 60_000

/** Entra's refresh token, for the one client that it was given to. */
export interface RefreshToken {
  /** The sign-in that it descends from: revoking one revokes them all. */
  readonly grant: string
  readonly client: string
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
}

/**
 * The part of a sign-in that happens between client and server: codes and refresh tokens for access tokens. Everything
 * is checked before anything is redeemed, so that whoever holds a code that is not theirs cannot even use it up.
 */
export function createTokenEndpoint(options: TokenOptions) {
  const { resource, apiScopes, clients, codes, refreshTokens, redeem, usedCodes, revoked } = options

  /**
   * `POST /token` with a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6).
   *
   * @throws {Failure}
   */
  async function redeemCode({ form, authorization, correlationId }: TokenRequest): Promise<Issued> {
    const client = clients.identify(form, authorization)
    const opened = codes.open(required(form, 'code'))
    if (!('value' in opened)) throw new Failure(opened.refused === 'expired' ? 'code_expired' : 'code_refused')
    const { id, asked, entraCode, verifier, nonce } = opened.value
    const redirectUri = required(form, 'redirect_uri')
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
    const answer = answerOf(tokens, { client, scopes, offlineAccess, grant: id })
    return { client, grant: 'authorization_code', answer }
  }

  /**
   * `POST /token` with a refresh token (RFC 6749 section 6). Entra's refresh tokens may be used more than once, and so
   * may these: a client that lost an answer asks again.
   *
   * @throws {Failure}
   */
  async function refresh({ form, authorization, correlationId }: TokenRequest): Promise<Issued> {
    const client = clients.identify(form, authorization)
    const opened = refreshTokens.open(required(form, 'refresh_token'))
    if (!('value' in opened) || opened.value.client !== client) throw new Failure('refresh_token_refused')
    const { grant, scopes, offlineAccess, entraToken } = opened.value
    checkResource(form, resource)
    const asked = optional(form, 'scope')
    const narrowed = asked === undefined ? scopes : readScope(asked, { ...apiScopes, offered: scopes })?.names
    if (narrowed === undefined) throw new Failure('scope_refused', { detail: `There is ${scopes.join(' ')}.` })
    if (await revoked.has(`revoked:${grant}`)) throw new Failure('refresh_token_refused')

    const scope = entraScope(narrowed, apiScopes.apiClientId)
    const tokens = await redeem({ grant_type: 'refresh_token', refresh_token: entraToken, scope }, correlationId)
    const kept = { ...tokens, refreshToken: tokens.refreshToken ?? entraToken }
    const answer = answerOf(kept, { grant, client, scopes, offlineAccess }, narrowed)
    return { client, grant: 'refresh_token', answer }
  }

  function answerOf(
    { accessToken, expiresInSeconds, scope, refreshToken }: SignInTokens,
    of: Omit<RefreshToken, 'entraToken'>,
    asked: readonly string[] = of.scopes,
  ): TokenAnswer {
    const granted = scope === undefined ? asked : grantedNames(scope, apiScopes.apiClientId)
    const names = of.offlineAccess && refreshToken !== undefined ? [...granted, 'offline_access'] : granted
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: Math.floor(expiresInSeconds),
      scope: names.join(' '),
      ...(refreshToken !== undefined && {
        refresh_token: refreshTokens.seal({ ...of, entraToken: refreshToken }, refreshTokenLifetimeMs),
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
     * refresh tokens no longer. Whatever cannot be revoked is answered alike, as section 2.2 has it. A client that does
     * not say who it is has the token: nobody else is harmed if that ends.
     *
     * @throws {Failure} where the client is unknown or the request malformed
     */
    async revoke({ form, authorization }: TokenRequest): Promise<void> {
      const isNamed = authorization !== undefined || optional(form, 'client_id') !== undefined
      const client = isNamed ? clients.identify(form, authorization) : undefined
      const opened = refreshTokens.open(required(form, 'token'))
      if ('value' in opened && (client === undefined || opened.value.client === client)) {
        await revoked.enter(`revoked:${opened.value.grant}`, refreshTokenLifetimeMs)
      }
    },
  }
}
