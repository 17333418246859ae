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

/** What a client discovers before the sign-in. */
export interface SignInPlace {
  readonly issuer: string
  readonly metadata: AuthorizationServerMetadata
  readonly resource: string
  readonly scope: string
  /** The registered client. */
  readonly client: OAuthClientInformationFull
}

export interface SignedIn {
  readonly accessToken: string
  readonly expiresAtMs: number
}

/** Nothing listens there: the scripted browser reads the response from the URL. */
const redirectUrl = 'http://127.0.0.1/callback'

/**
 * Discovers where to sign in from the MCP endpoint alone: 401 challenge, protected-resource metadata (RFC 9728),
 * authorization-server metadata (RFC 8414); then registers a client (RFC 7591).
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
      throw new Error(`The server responded with ${response.status}, without a challenge to sign in.`)
    }
    return { value: resourceMetadataUrl, detail: 'POST /mcp without a token: 401 with resource_metadata' }
  })

  const { issuer, scope, resource } = await step(async () => {
    const { resource, authorization_servers, scopes_supported } = await discoverOAuthProtectedResourceMetadata(mcpUrl, {
      resourceMetadataUrl,
    })
    const issuer = String(authorization_servers?.[0])
    const scope = (scopes_supported ?? []).join(' ')
    return {
      value: { issuer, scope, resource },
      detail: `protected resource: authorization server ${issuer}, scope ${scope}`,
    }
  })

  const metadata = await step(async () => {
    const value = await discoverAuthorizationServerMetadata(issuer)
    if (value === undefined) throw new Error(`${issuer} has no authorization-server metadata.`)
    return { value, detail: `authorization server: PKCE ${value.code_challenge_methods_supported?.join(' ')}` }
  })

  const client = await step(async () => {
    const clientMetadata = { client_name: 'Message Center demo', redirect_uris: [redirectUrl] }
    const value = await registerClient(issuer, { metadata, clientMetadata })
    return { value, detail: `register: client id of ${value.client_id.length} characters, no secret` }
  })
  return { issuer, metadata, resource, scope, client }
}

/**
 * Signs a user in with the authorization code flow and PKCE (RFC 7636), by the official client. Only the browser is
 * scripted.
 *
 * @param claims the claims request of a challenge, as JSON text, that this sign-in must satisfy
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
    const { url, clientName } = await browse(authorizationUrl, { user })
    const { code, state: returned, iss = '', error_description } = Object.fromEntries(url.searchParams)
    if (code === undefined) throw new Error(`Sign-in of ${user} failed: ${error_description}`)
    if (returned !== state) throw new Error('The state of the redirect does not match.')
    const withClaims = claims === undefined ? '' : ' with the claims of the challenge (MFA)'
    return {
      value: { code, iss, codeVerifier },
      detail: `authorize: “${clientName}” allowed on the consent page; ${user} signs in at Entra${withClaims}`,
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
      throw error instanceof OAuthError ? new Error(`Sign-in of ${user} failed: ${error.message}`) : error
    })
    const seconds = tokens.expires_in ?? 0
    return {
      value: { accessToken: tokens.access_token, expiresAtMs: Date.now() + seconds * 1000 },
      detail: `token: access token, valid for ${Math.round(seconds / 60)} minutes`,
    }
  })
}
