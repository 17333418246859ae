import { parseRedirectRule, type RedirectRule } from '../lib/redirect-policy.ts'
import type { ClientCredential } from './client-credential.ts'
import { type Environment, list, type Report } from './environment.ts'

/** Programs on the user's own computer, on any port, and Teams with Copilot's declarative agents. */
const defaultRedirects =
  'http://127.0.0.1,http://localhost,http://[::1],https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'

export interface OAuthProxyConfig {
  /** The app registration that clients sign in to, and that clients may name as their own id. */
  readonly clientId: string
  readonly credential: ClientCredential
  /** Names of this API's scopes, without prefix. */
  readonly scopes: readonly string[]
  readonly redirects: readonly RedirectRule[]
  /** Base64, 32 bytes each; the first encrypts. Empty: a random one for this process. */
  readonly sealKeys: readonly string[]
}

export function readOAuthProxy(
  valid: Environment,
  {
    production,
    requiredScopes,
    credential,
    report,
  }: {
    production: boolean
    requiredScopes: readonly string[]
    credential: ClientCredential
    report: Report
  },
): OAuthProxyConfig {
  const apiClientId = (valid.GRAPH_CLIENT_ID ?? '').toLowerCase()
  const named = [valid.MCP_OAUTH_CLIENT_ID, valid.MCP_OAUTH_EXPECTED_CLIENT_ID].map((id) => id?.toLowerCase())
  const clientId = named[0] ?? named[1] ?? apiClientId
  const isOwnApp = clientId === apiClientId
  if (named[0] !== undefined && named[1] !== undefined && named[0] !== named[1]) {
    report('MCP_OAUTH_EXPECTED_CLIENT_ID', 'conflict', 'must equal MCP_OAUTH_CLIENT_ID: set only one of them')
  }
  const ownSecret = valid.MCP_OAUTH_CLIENT_SECRET
  if (!isOwnApp && ownSecret === undefined && credential.kind === 'secret') {
    report('MCP_OAUTH_CLIENT_SECRET', 'missing', 'is required: MCP_OAUTH_CLIENT_ID is another app than GRAPH_CLIENT_ID')
  }
  if (valid.MCP_OAUTH_TENANT_ID !== undefined && !sameText(valid.MCP_OAUTH_TENANT_ID, valid.GRAPH_TENANT_ID)) {
    report('MCP_OAUTH_TENANT_ID', 'conflict', 'must equal GRAPH_TENANT_ID')
  }

  const prefixes = new RegExp(`^(api://)?${apiClientId}/`, 'i')
  const scopes = list(valid.MCP_OAUTH_SCOPES).map((scope) => scope.replace(prefixes, ''))
  if (scopes.some((scope) => /[/:]/.test(scope)))
    report('MCP_OAUTH_SCOPES', 'invalid', 'must list scopes of this API only')
  else if (scopes.length > 0 && !requiredScopes.every((scope) => scopes.includes(scope))) {
    report('MCP_OAUTH_SCOPES', 'conflict', 'must include MCP_OAUTH_REQUIRED_SCOPES')
  }

  const redirects = list(valid.MCP_OAUTH_REDIRECT_URI_PREFIXES ?? defaultRedirects).map(parseRedirectRule)
  if (redirects.includes(undefined)) {
    report(
      'MCP_OAUTH_REDIRECT_URI_PREFIXES',
      'invalid',
      'must list https or loopback URLs in normalized form, such as https://app.example.com/callback or http://localhost, or whole private-use URIs, such as cursor://anysphere.cursor-mcp/oauth/callback',
    )
  }
  if (production && valid.MCP_OAUTH_SEAL_KEY === undefined) {
    report(
      'MCP_OAUTH_SEAL_KEY',
      'missing',
      'is required in production: 32 random bytes in base64 (openssl rand -base64 32)',
    )
  }
  return {
    clientId,
    // A certificate or a managed identity can be registered on both apps, and then authenticates both.
    credential: ownSecret === undefined ? credential : { kind: 'secret', secret: ownSecret },
    scopes: scopes.length > 0 ? scopes : requiredScopes,
    redirects: redirects.filter((rule) => rule !== undefined),
    sealKeys: list(valid.MCP_OAUTH_SEAL_KEY),
  }
}

function sameText(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase()
}
