import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client'
import * as oauth from 'oauth4webapi'
import type { Deployment } from '../shared/deployment.ts'
import type { RunHop } from '../shared/hops.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { oauthTrouble } from '../sign-in/oauth-trouble.ts'

/** Where clients of a deployment sign in, and for what: learnt from the deployment alone. */
export interface SignInPlace {
  readonly resource: string
  readonly scope: string
  readonly issuer: string
  readonly server: oauth.AuthorizationServer
}

/**
 * Finds where to sign in as a client does that knows the MCP endpoint and nothing else: its 401 names the
 * protected-resource metadata (RFC 9728), that the authorization server, whose own metadata (RFC 8414) the rest.
 *
 * @throws {OperatorError} for whatever a strict client would stop at
 */
export async function discover(
  { endpoint }: Pick<Deployment, 'endpoint'>,
  { fetch, hop }: { readonly fetch: typeof globalThis.fetch; readonly hop: RunHop },
): Promise<SignInPlace> {
  const challenge = await hop('challenge', async () => ({
    value: await readChallenge(endpoint, fetch),
    says: 'POST /mcp without a token: 401, and where to read how to sign in',
  }))

  const { resource, issuer, scope } = await hop('protected resource', async () => {
    const url = new URL(endpoint)
    const found = await oauth
      .resourceDiscoveryRequest(url, requestOptions(endpoint, fetch))
      .then((response) => oauth.processResourceDiscoveryResponse(url, response))
      .catch((error: unknown) => {
        throw oauthTrouble(error, 'The protected-resource metadata')
      })
    const [issuer] = found.authorization_servers ?? []
    if (issuer === undefined) {
      throw new OperatorError(
        'The protected-resource metadata names no authorization server.',
        'Check what answers there.',
      )
    }
    const scope = (challenge.scope ?? found.scopes_supported?.join(' ')) || ''
    return { value: { resource: found.resource, issuer, scope }, says: `sign in at ${issuer} for ${scope}` }
  })

  const server = await hop('authorization server', async () => {
    const url = new URL(issuer)
    // Entra has OpenID Connect's document alone.
    const algorithm = url.pathname === '/' ? 'oauth2' : 'oidc'
    const found = await oauth
      .discoveryRequest(url, { algorithm, ...requestOptions(issuer, fetch) })
      .then((response) => oauth.processDiscoveryResponse(url, response))
      .catch((error: unknown) => {
        throw oauthTrouble(error, 'The metadata of the authorization server')
      })
    const pkce = found.code_challenge_methods_supported?.join(' ') ?? 'not named'
    return { value: found, says: `the issuer is where it was fetched; PKCE ${pkce}` }
  })
  return { resource, scope, issuer, server }
}

/** Options of every request of oauth4webapi; plain http only where it never leaves this machine, as the URL rule has it. */
export function requestOptions(url: string, fetch: typeof globalThis.fetch) {
  const send = (address: string, init: object) => fetch(address, init)
  return { [oauth.customFetch]: send, [oauth.allowInsecureRequests]: url.startsWith('http:') }
}

async function readChallenge(endpoint: string, fetch: typeof globalThis.fetch): Promise<{ scope: string | undefined }> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  })
  await response.arrayBuffer()
  const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(response)
  if (response.status === 401 && resourceMetadataUrl !== undefined) return { scope }
  switch (response.status) {
    case 200:
      throw new OperatorError(
        'POST /mcp was answered without a token: this server serves anybody.',
        'Leave MCP_REQUIRE_AUTH out of its configuration.',
      )
    case 403:
      throw new OperatorError(
        'POST /mcp was answered with 403: the server does not know itself under this address.',
        'Set PUBLIC_BASE_URL of the server to the address that clients use.',
      )
    default:
      throw new OperatorError(
        `POST /mcp was answered with ${response.status}, and does not say how to sign in.`,
        'Check that this is the address of the server; doctor --url says more.',
      )
  }
}
