import * as oauth from 'oauth4webapi'
import { requestOptions, type SignInPlace } from '../mcp/discover.ts'
import type { RunHop } from '../shared/hops.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { parseBaseUrl } from '../shared/options.ts'
import type { PkceFlags } from './flags.ts'
import { listenOnLoopback } from './loopback.ts'
import { oauthError } from './oauth-error.ts'
import { waitForResponse } from './wait-for-response.ts'

export interface PkceOptions extends PkceFlags {
  readonly io: Io
  readonly fetch: typeof globalThis.fetch
  readonly hop: RunHop
  /** JSON of a claims challenge, which the sign-in is to meet. */
  readonly claims?: string
}

/** The tokens of a signed-in user, and the client that got them. */
export interface SignedIn {
  readonly client: oauth.Client
  readonly tokens: oauth.TokenEndpointResponse
}

/** No client authentication: a public client. */
const publicClient = oauth.None()

/**
 * Signs a user in as any MCP client does: registration (RFC 7591), authorization code with PKCE S256 (RFC 7636) and a
 * resource indicator (RFC 8707); state and issuer (RFC 9207) are checked in the response. oauth4webapi rejects whatever
 * the standards do not allow.
 *
 * @throws {OperatorError}
 */
export async function signInByPkce(place: SignInPlace, options: PkceOptions): Promise<SignedIn> {
  const { io, fetch, hop, browser, timeout } = options
  const { server, resource } = place
  const state = oauth.generateRandomState()
  const codeVerifier = oauth.generateRandomCodeVerifier()
  let client: oauth.Client = { client_id: options.clientId ?? '' }

  const isOurs = ({ searchParams }: URL) => searchParams.get('state') === state
  const validate = (response: URL): URLSearchParams => {
    try {
      return oauth.validateAuthResponse(server, client, response, state)
    } catch (error) {
      throw oauthError(error, 'The sign-in')
    }
  }

  const listener = await listenOnLoopback(options.port, { isOurs, validate })
  const { redirectUri } = listener
  try {
    if (options.clientId === undefined) {
      client = await hop('register', async () => {
        const value = await register(place, redirectUri, fetch)
        return { value, detail: `client id of ${value.client_id.length} characters, no secret` }
      })
    }
    const parameters = await hop('authorize', async () => {
      const { claims } = options
      const url = await authorizationUrl(place, { client, redirectUri, state, codeVerifier, claims })
      const opened =
        browser &&
        (await io.openBrowser(url).then(
          () => true,
          () => false,
        ))
      io.progress(
        opened ? 'Sign in in the browser that opens. If none opens, use this URL:' : 'Open this URL in a browser:',
      )
      io.progress(url)
      if (!browser) io.progress('On another machine the last page fails to load: paste its address here.')
      const value = await waitForResponse({
        response: listener.response,
        pasted: browser ? undefined : io.stdin,
        isOurs,
        validate,
        timeoutSeconds: timeout,
        signal: io.signal,
        wait: io.wait,
        report: (text) => io.progress(text),
      })
      return { value, detail: 'code received; state and issuer match' }
    })
    const tokens = await hop('token', async () => {
      const value = await oauth
        .authorizationCodeGrantRequest(server, client, publicClient, parameters, redirectUri, codeVerifier, {
          ...requestOptions(place.issuer, fetch),
          additionalParameters: { resource },
        })
        .then((response) => oauth.processAuthorizationCodeResponse(server, client, response))
        .catch((error: unknown) => {
          throw oauthError(error, 'The code')
        })
      return { value, detail: `access token ${lifetimeOf(value)}` }
    })
    return { client, tokens }
  } finally {
    await listener.close()
  }
}

async function register({ server, issuer, scope }: SignInPlace, redirectUri: string, fetch: typeof globalThis.fetch) {
  if (server.registration_endpoint === undefined) {
    throw new OperatorError(
      'The authorization server does not support client registration.',
      'Pass a registered client with --client-id. Where clients sign in at Entra itself, use the command token.',
    )
  }
  const metadata = {
    client_name: 'Operator’s smoke test',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
    scope,
  }
  return oauth
    .dynamicClientRegistrationRequest(server, metadata, requestOptions(issuer, fetch))
    .then(oauth.processDynamicClientRegistrationResponse)
    .catch((error: unknown) => {
      throw oauthError(error, 'The registration')
    })
}

/** For messages: "valid for 60 minutes". */
export function lifetimeOf({ expires_in }: oauth.TokenEndpointResponse): string {
  return expires_in === undefined ? 'of unknown lifetime' : `valid for ${Math.round(expires_in / 60)} minutes`
}

/** A refresh token, and the client that it was issued to. */
export interface RefreshToken {
  readonly client: oauth.Client
  readonly refresh_token: string
}

/** Gets new tokens for a refresh token. @throws {OperatorError} */
export async function refreshTokens(
  { server, resource, issuer }: SignInPlace,
  { client, refresh_token }: RefreshToken,
  fetch: typeof globalThis.fetch,
): Promise<oauth.TokenEndpointResponse> {
  const options = { ...requestOptions(issuer, fetch), additionalParameters: { resource } }
  return oauth
    .refreshTokenGrantRequest(server, client, publicClient, refresh_token, options)
    .then((response) => oauth.processRefreshTokenResponse(server, client, response))
    .catch((error: unknown) => {
      throw oauthError(error, 'The refresh token')
    })
}

/** Revokes a sign-in's refresh tokens (RFC 7009), where the server can. @throws {OperatorError} */
export async function revokeTokens(
  { server, issuer }: SignInPlace,
  { client, refresh_token }: RefreshToken,
  fetch: typeof globalThis.fetch,
): Promise<void> {
  if (server.revocation_endpoint === undefined) return
  await oauth
    .revocationRequest(server, client, publicClient, refresh_token, requestOptions(issuer, fetch))
    .then(oauth.processRevocationResponse)
    .catch((error: unknown) => {
      throw oauthError(error, 'The revocation')
    })
}

/** The server controls this URL: it must be a web page, not a URL that starts a program of this machine. */
function webPage(address: string): URL {
  try {
    return new URL(parseBaseUrl(address))
  } catch (error) {
    throw new OperatorError(
      'The authorization_endpoint of the authorization server is not a web page.',
      'It must be an https URL without a query. Do not sign in until its operator has fixed it.',
      { cause: error },
    )
  }
}

async function authorizationUrl(
  { server, scope, resource }: SignInPlace,
  request: {
    client: oauth.Client
    redirectUri: string
    state: string
    codeVerifier: string
    claims: string | undefined
  },
): Promise<string> {
  const url = webPage(server.authorization_endpoint ?? '')
  const parameters = {
    client_id: request.client.client_id,
    redirect_uri: request.redirectUri,
    response_type: 'code',
    scope,
    state: request.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(request.codeVerifier),
    code_challenge_method: 'S256',
    resource,
    ...(request.claims !== undefined && { claims: request.claims }),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}
