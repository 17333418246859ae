import { parseRedirectRule, type RedirectRule } from '../lib/redirect-policy.ts'
import type { ClientCredential } from './client-credential.ts'
import { type Environment, type Fault, list } from './environment.ts'

/** Programs on the user's own computer, whatever their port, and Teams with Copilot's declarative agents. */
const defaultRedirects =
  'http://127.0.0.1,http://localhost,http://[::1],https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'

export interface OAuthProxyConfig {
  /** The app registration that clients sign in to, and that clients may name as their own id. */
  readonly clientId: string
  readonly credential: ClientCredential
  /** Names of this API's scopes, without prefix. */
  readonly scopes: readonly string[]
  readonly redirects: readonly RedirectRule[]
  /** Base64, 32 bytes each; the first seals. Empty: a random one for this process. */
  readonly sealKeys: readonly string[]
}

export function readOAuthProxy(
  sound: Environment,
  {
    production,
    requiredScopes,
    credential,
    fault,
  }: {
    production: boolean
    requiredScopes: readonly string[]
    credential: ClientCredential
    fault: Fault
  },
): OAuthProxyConfig {
  const apiClientId = (sound.GRAPH_CLIENT_ID ?? '').toLowerCase()
  const named = [sound.MCP_OAUTH_CLIENT_ID, sound.MCP_OAUTH_EXPECTED_CLIENT_ID].map((id) => id?.toLowerCase())
  const clientId = named[0] ?? named[1] ?? apiClientId
  const isOwnApp = clientId === apiClientId
  if (named[0] !== undefined && named[1] !== undefined && named[0] !== named[1]) {
    fault('MCP_OAUTH_EXPECTED_CLIENT_ID', 'differs from MCP_OAUTH_CLIENT_ID: set one of them')
  }
  const ownSecret = sound.MCP_OAUTH_CLIENT_SECRET
  if (!isOwnApp && ownSecret === undefined && credential.kind === 'secret') {
    fault('MCP_OAUTH_CLIENT_SECRET', 'is not set: MCP_OAUTH_CLIENT_ID is another app, which needs its own')
  }
  if (sound.MCP_OAUTH_TENANT_ID !== undefined && !sameText(sound.MCP_OAUTH_TENANT_ID, sound.GRAPH_TENANT_ID)) {
    fault('MCP_OAUTH_TENANT_ID', 'must be GRAPH_TENANT_ID: tokens of another tenant are refused')
  }

  const prefixes = new RegExp(`^(api://)?${apiClientId}/`, 'i')
  const scopes = list(sound.MCP_OAUTH_SCOPES).map((scope) => scope.replace(prefixes, ''))
  if (scopes.some((scope) => /[/:]/.test(scope))) fault('MCP_OAUTH_SCOPES', 'must name scopes of this API alone')
  else if (scopes.length > 0 && !requiredScopes.every((scope) => scopes.includes(scope))) {
    fault('MCP_OAUTH_SCOPES', 'must include those of MCP_OAUTH_REQUIRED_SCOPES')
  }

  const redirects = list(sound.MCP_OAUTH_REDIRECT_URI_PREFIXES ?? defaultRedirects).map(parseRedirectRule)
  if (redirects.includes(undefined)) {
    fault(
      'MCP_OAUTH_REDIRECT_URI_PREFIXES',
      'must list https or loopback URLs, as https://app.example.com/callback or http://localhost, in plain lower-case form, or whole URIs of an app, as cursor://anysphere.cursor-mcp/oauth/callback',
    )
  }
  if (production && sound.MCP_OAUTH_SEAL_KEY === undefined) {
    fault('MCP_OAUTH_SEAL_KEY', 'is not set: production needs 32 random bytes in base64 (openssl rand -base64 32)')
  }
  return {
    clientId,
    // A certificate or a managed identity can be registered on both apps, and then proves both.
    credential: ownSecret === undefined ? credential : { kind: 'secret', secret: ownSecret },
    scopes: scopes.length > 0 ? scopes : requiredScopes,
    redirects: redirects.filter((rule) => rule !== undefined),
    sealKeys: list(sound.MCP_OAUTH_SEAL_KEY),
  }
}

function sameText(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase()
}
