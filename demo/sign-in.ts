import { randomBytes } from 'node:crypto'
import {
  type AuthorizationServerMetadata,
  discoverAuthorizationServerMetadata,
  discoverOAuthProtectedResourceMetadata,
  exchangeAuthorization,
  extractWWWAuthenticateParams,
  type OAuthClientInformationFull,
  OAuthError,
  registerClient,
  startAuthorization,
} from '@modelcontextprotocol/client'
import { browse } from './browser.ts'
import type { Step } from './steps.ts'

/** What a client learns by asking, before anybody has signed in. */
export interface SignInPlace {
  readonly issuer: string
  readonly metadata: AuthorizationServerMetadata
  readonly resource: string
  readonly scope: string
  /** The client, as it was registered a moment ago. */
  readonly client: OAuthClientInformationFull
}

export interface SignedIn {
  readonly accessToken: string
  readonly expiresAtMs: number
}

/** Nothing listens there: the browser of the demo reads the answer off the address. */
const redirectUrl = 'http://127.0.0.1/callback'

/**
 * Finds where to sign in, knowing nothing but the MCP endpoint: its 401 names the protected-resource metadata
 * (RFC 9728), that names the authorization server, whose own metadata (RFC 8414) says where to register (RFC 7591).
 */
export async function discover(mcpUrl: string, step: Step): Promise<SignInPlace> {
  const resourceMetadataUrl = await step(async () => {
    const response = await fetch(mcpUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    await response.arrayBuffer()
    const { resourceMetadataUrl } = extractWWWAuthenticateParams(response)
    if (response.status !== 401 || resourceMetadataUrl === undefined) {
      throw new Error(`The server answered ${response.status} without saying how to sign in.`)
    }
    return { value: resourceMetadataUrl, says: 'POST /mcp without a token: 401, and where to read how to sign in' }
  })

  const { issuer, scope, resource } = await step(async () => {
    const { resource, authorization_servers, scopes_supported } = await discoverOAuthProtectedResourceMetadata(mcpUrl, {
      resourceMetadataUrl,
    })
    const issuer = String(authorization_servers?.[0])
    const scope = (scopes_supported ?? []).join(' ')
    return { value: { issuer, scope, resource }, says: `protected resource: sign in at ${issuer} for ${scope}` }
  })

  const metadata = await step(async () => {
    const value = await discoverAuthorizationServerMetadata(issuer)
    if (value === undefined) throw new Error(`${issuer} has no metadata of an authorization server.`)
    return { value, says: `authorization server: PKCE ${value.code_challenge_methods_supported?.join(' ')}` }
  })

  const client = await step(async () => {
    const clientMetadata = { client_name: 'Message Center demo', redirect_uris: [redirectUrl] }
    const value = await registerClient(issuer, { metadata, clientMetadata })
    return { value, says: `register: a client id of ${value.client_id.length} characters, and no secret` }
  })
  return { issuer, metadata, resource, scope, client }
}

/**
 * Signs a user in with the authorization code flow and PKCE (RFC 7636). The browser is a script; everything else is
 * what goes over the wire in earnest, by the official client.
 *
 * @param claims the claims request of a challenge, as JSON text, that this sign-in has to meet
 */
export async function signIn(
  { issuer, metadata, resource, scope, client }: SignInPlace,
  { user, claims }: { user: string; claims?: string },
  step: Step,
): Promise<SignedIn> {
  const state = randomBytes(16).toString('base64url')

  const { code, iss, codeVerifier } = await step(async () => {
    const { authorizationUrl, codeVerifier } = await startAuthorization(issuer, {
      metadata,
      clientInformation: client,
      redirectUrl,
      scope,
      state,
      resource,
    })
    if (claims !== undefined) authorizationUrl.searchParams.set('claims', claims)
    const { url, askedFor } = await browse(authorizationUrl, { user })
    const { code, state: returned, iss = '', error_description } = Object.fromEntries(url.searchParams)
    if (code === undefined) throw new Error(`${user} is not signed in: ${error_description}`)
    if (returned !== state) throw new Error('The redirect carries a state that is not ours.')
    const proof = claims === undefined ? '' : ' with the claims of the challenge (MFA)'
    return {
      value: { code, iss, codeVerifier },
      says: `authorize: “${askedFor}” allowed on the consent page; ${user} signs in at Entra${proof}`,
    }
  })

  return step(async () => {
    const tokens = await exchangeAuthorization(issuer, {
      metadata,
      clientInformation: client,
      authorizationCode: code,
      iss,
      codeVerifier,
      redirectUri: redirectUrl,
      resource,
    }).catch((error: unknown) => {
      throw error instanceof OAuthError ? new Error(`${user} is not signed in: ${error.message}`) : error
    })
    const seconds = tokens.expires_in ?? 0
    return {
      value: { accessToken: tokens.access_token, expiresAtMs: Date.now() + seconds * 1000 },
      says: `token: the code and the verifier for an access token, good for ${Math.round(seconds / 60)} minutes`,
    }
  })
}
