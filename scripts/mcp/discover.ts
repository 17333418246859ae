import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client'
import * as oauth from 'oauth4webapi'
import type { Deployment } from '../shared/deployment.ts'
import type { RunHop } from '../shared/hops.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { oauthError } from '../sign-in/oauth-error.ts'

/** Where clients of a deployment sign in, and for which resource and scope, as the deployment publishes it. */
export interface SignInPlace {
  readonly resource: string
  readonly scope: string
  readonly issuer: string
  readonly server: oauth.AuthorizationServer
}

/**
 * Discovers where to sign in from the MCP endpoint alone: 401 challenge, protected-resource metadata (RFC 9728),
 * authorization-server metadata (RFC 8414).
 *
 * @throws {OperatorError} for whatever a strict client would reject
 */
export async function discover(
  { endpoint }: Pick<Deployment, 'endpoint'>,
  { fetch, hop }: { readonly fetch: typeof globalThis.fetch; readonly hop: RunHop },
): Promise<SignInPlace> {
  const challenge = await hop('challenge', async () => ({
    value: await readChallenge(endpoint, fetch),
    detail: 'POST /mcp without a token: 401 with resource_metadata',
  }))

  const { resource, issuer, scope } = await hop('protected resource', async () => {
    const url = new URL(endpoint)
    const found = await oauth
      .resourceDiscoveryRequest(url, requestOptions(endpoint, fetch))
      .then((response) => oauth.processResourceDiscoveryResponse(url, response))
      .catch((error: unknown) => {
        throw oauthError(error, 'The protected-resource metadata')
      })
    const [issuer] = found.authorization_servers ?? []
    if (issuer === undefined) {
      throw new OperatorError(
        'The protected-resource metadata names no authorization server.',
        'Check the address of the server.',
      )
    }
    const scope = (challenge.scope ?? found.scopes_supported?.join(' ')) || ''
    return {
      value: { resource: found.resource, issuer, scope },
      detail: `authorization server ${issuer}, scope ${scope}`,
    }
  })

  const server = await hop('authorization server', async () => {
    const url = new URL(issuer)
    // Entra publishes OpenID Connect's document only.
    const algorithm = url.pathname === '/' ? 'oauth2' : 'oidc'
    const found = await oauth
      .discoveryRequest(url, { algorithm, ...requestOptions(issuer, fetch) })
      .then((response) => oauth.processDiscoveryResponse(url, response))
      .catch((error: unknown) => {
        throw oauthError(error, 'The metadata of the authorization server')
      })
    const pkce = found.code_challenge_methods_supported?.join(' ') ?? 'not listed'
    return { value: found, detail: `issuer matches; PKCE ${pkce}` }
  })
  return { resource, scope, issuer, server }
}

/** Options of every oauth4webapi request. Plain http only for http URLs, which the URL rules allow on loopback alone. */
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
        'POST /mcp succeeded without a token: this server does not authenticate callers.',
        'Remove MCP_REQUIRE_AUTH from its configuration.',
      )
    case 403:
      throw new OperatorError(
        'POST /mcp failed with 403: the server does not serve this address.',
        'Set PUBLIC_BASE_URL of the server to the address that clients use.',
      )
    default:
      throw new OperatorError(
        `POST /mcp failed with ${response.status}, without a challenge to sign in.`,
        'Check the address of the server; doctor --url diagnoses it.',
      )
  }
}
