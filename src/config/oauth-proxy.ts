import { parseRedirectRule } from '../lib/redirect-policy.ts'
import type { ClientCredential } from './client-credential.ts'
import { type Environment, EnvironmentSchema, list, type Report } from './environment.ts'

/** Programs on the user's own computer, on any port, and Teams with Copilot's declarative agents. */
const { default: defaultRedirects } = EnvironmentSchema.properties.MCP_OAUTH_REDIRECT_URI_PREFIXES

interface Context {
  readonly production: boolean
  readonly requiredScopes: readonly string[]
  readonly credential: ClientCredential
  readonly report: Report
}

/** Settings of the OAuth endpoints, such as the app that users sign in to, its scopes and redirect URIs. */
export function readOAuthProxy(valid: Environment, { production, requiredScopes, credential, report }: Context) {
  const apiClientId = (valid.GRAPH_CLIENT_ID ?? '').toLowerCase()
  const [named, alias] = [valid.MCP_OAUTH_CLIENT_ID, valid.MCP_OAUTH_EXPECTED_CLIENT_ID].map((id) => id?.toLowerCase())
  const clientId = named ?? alias ?? apiClientId
  if (named !== undefined && alias !== undefined && named !== alias) {
    report('MCP_OAUTH_EXPECTED_CLIENT_ID', 'conflict', 'must equal MCP_OAUTH_CLIENT_ID: set only one of them')
  }
  const ownSecret = valid.MCP_OAUTH_CLIENT_SECRET
  if (clientId !== apiClientId && ownSecret === undefined && credential.kind === 'secret') {
    const message = 'is required: MCP_OAUTH_CLIENT_ID is another app than GRAPH_CLIENT_ID'
    report('MCP_OAUTH_CLIENT_SECRET', 'missing', message)
  }
  const tenantId = valid.MCP_OAUTH_TENANT_ID?.toLowerCase()
  if (tenantId !== undefined && tenantId !== valid.GRAPH_TENANT_ID?.toLowerCase()) {
    report('MCP_OAUTH_TENANT_ID', 'conflict', 'must equal GRAPH_TENANT_ID')
  }

  const prefixes = new RegExp(`^(api://)?${apiClientId}/`, 'i')
  const scopes = list(valid.MCP_OAUTH_SCOPES).map((scope) => scope.replace(prefixes, ''))
  if (scopes.some((scope) => /[/:]/.test(scope))) {
    report('MCP_OAUTH_SCOPES', 'invalid', 'must list scopes of this API only')
  } else if (scopes.length > 0 && !requiredScopes.every((scope) => scopes.includes(scope))) {
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
    const message = 'is required in production: 32 random bytes in base64 (openssl rand -base64 32)'
    report('MCP_OAUTH_SEAL_KEY', 'missing', message)
  }
  return {
    /** The app registration that clients sign in to, and that clients may name as their own id. */
    clientId,
    // A certificate or a managed identity can be registered on both apps, and then authenticates both.
    credential: ownSecret === undefined ? credential : ({ kind: 'secret', secret: ownSecret } as const),
    /** Names of this API's scopes, without prefix. */
    scopes: scopes.length > 0 ? scopes : requiredScopes,
    redirects: redirects.filter((rule) => rule !== undefined),
    /** Base64, 32 bytes each; the first encrypts. Empty: a random one for this process. */
    sealKeys: list(valid.MCP_OAUTH_SEAL_KEY),
  }
}
