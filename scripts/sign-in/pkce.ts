import * as oauth from 'oauth4webapi'
import { requestOptions, type SignInPlace } from '../mcp/discover.ts'
import type { RunHop } from '../shared/hops.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { parseBaseUrl } from '../shared/options.ts'
import type { PkceFlags } from './flags.ts'
import { listenOnLoopback } from './loopback.ts'
import { oauthTrouble } from './oauth-trouble.ts'
import { waitForAnswer } from './wait-for-answer.ts'

export interface PkceOptions extends PkceFlags {
  readonly io: Io
  readonly fetch: typeof globalThis.fetch
  readonly hop: RunHop
}

/** A user who has signed in, and what a client needs to go on with it. */
export interface SignedIn {
  readonly client: oauth.Client
  readonly tokens: oauth.TokenEndpointResponse
}

/** The client proves itself by PKCE alone: it is a public one. */
const publicClient = oauth.None()

/**
 * Signs a user in as any MCP client does: registration (RFC 7591), authorization code with PKCE S256 (RFC 7636) and a
 * resource indicator (RFC 8707), state and issuer (RFC 9207) checked in the answer, all of it by oauth4webapi, which
 * takes nothing that the standards do not allow.
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
  const judge = (answer: URL): URLSearchParams => {
    try {
      return oauth.validateAuthResponse(server, client, answer, state)
    } catch (error) {
      throw oauthTrouble(error, 'The sign-in')
    }
  }

  const listener = await listenOnLoopback(options.port, { isOurs, judge })
  const { redirectUri } = listener
  try {
    if (options.clientId === undefined) {
      client = await hop('register', async () => {
        const value = await register(place, redirectUri, fetch)
        return { value, says: `a client id of ${value.client_id.length} characters, and no secret` }
      })
    }
    const parameters = await hop('authorize', async () => {
      const url = await authorizationUrl(place, { client, redirectUri, state, codeVerifier })
      const opened =
        browser &&
        (await io.openBrowser(url).then(
          () => true,
          () => false,
        ))
      io.progress(opened ? 'A browser opens; sign in there. If it does not:' : 'Open this address in a browser:')
      io.progress(url)
      if (!browser)
        io.progress(`If that browser is on another machine, its last page fails to load: paste its address here.`)
      const value = await waitForAnswer({
        answer: listener.answer,
        pasted: browser ? undefined : io.stdin,
        isOurs,
        judge,
        timeoutSeconds: timeout,
        signal: io.signal,
        wait: io.wait,
        tell: (text) => io.progress(text),
      })
      return { value, says: 'the answer carries a code, this run’s state and the issuer' }
    })
    const tokens = await hop('token', async () => {
      const value = await oauth
        .authorizationCodeGrantRequest(server, client, publicClient, parameters, redirectUri, codeVerifier, {
          ...requestOptions(place.issuer, fetch),
          additionalParameters: { resource },
        })
        .then((response) => oauth.processAuthorizationCodeResponse(server, client, response))
        .catch((error: unknown) => {
          throw oauthTrouble(error, 'The code')
        })
      return { value, says: `the code and the verifier for an access token, ${lifetimeOf(value)}` }
    })
    return { client, tokens }
  } finally {
    await listener.close()
  }
}

async function register({ server, issuer, scope }: SignInPlace, redirectUri: string, fetch: typeof globalThis.fetch) {
  if (server.registration_endpoint === undefined) {
    throw new OperatorError(
      'The authorization server registers no clients.',
      'Name one that it knows with --client-id. Where clients sign in at Entra itself, use the command token.',
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
      throw oauthTrouble(error, 'The registration')
    })
}

/** A sentence's end: how long an access token is good for. */
export function lifetimeOf({ expires_in }: oauth.TokenEndpointResponse): string {
  return expires_in === undefined ? 'for a time that is not said' : `good for ${Math.round(expires_in / 60)} minutes`
}

/** Gets new tokens for a refresh token. @throws {OperatorError} */
export async function refreshTokens(
  { server, resource, issuer }: SignInPlace,
  { client, tokens }: SignedIn,
  fetch: typeof globalThis.fetch,
): Promise<oauth.TokenEndpointResponse> {
  const options = { ...requestOptions(issuer, fetch), additionalParameters: { resource } }
  return oauth
    .refreshTokenGrantRequest(server, client, publicClient, tokens.refresh_token ?? '', options)
    .then((response) => oauth.processRefreshTokenResponse(server, client, response))
    .catch((error: unknown) => {
      throw oauthTrouble(error, 'The refresh token')
    })
}

/** Ends a sign-in's refresh tokens (RFC 7009). @throws {OperatorError} */
export async function revokeTokens(
  { server, issuer }: SignInPlace,
  { client, tokens }: SignedIn,
  fetch: typeof globalThis.fetch,
): Promise<void> {
  await oauth
    .revocationRequest(server, client, publicClient, tokens.refresh_token ?? '', requestOptions(issuer, fetch))
    .then(oauth.processRevocationResponse)
    .catch((error: unknown) => {
      throw oauthTrouble(error, 'The revocation')
    })
}

/** The server names the page that the operator's browser is sent to: a page, and no program of this machine. */
function webPage(address: string): URL {
  try {
    return new URL(parseBaseUrl(address))
  } catch (error) {
    throw new OperatorError(
      'The authorization server names no web page to sign in at (authorization_endpoint).',
      'It has to be an https URL without a query. Do not sign in there before its operator has mended it.',
      { cause: error },
    )
  }
}

async function authorizationUrl(
  { server, scope, resource }: SignInPlace,
  sent: { client: oauth.Client; redirectUri: string; state: string; codeVerifier: string },
): Promise<string> {
  const url = webPage(server.authorization_endpoint ?? '')
  const parameters = {
    client_id: sent.client.client_id,
    redirect_uri: sent.redirectUri,
    response_type: 'code',
    scope,
    state: sent.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(sent.codeVerifier),
    code_challenge_method: 'S256',
    resource,
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}
