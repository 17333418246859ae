import { isIP } from 'node:net'
import { isLoopback } from '../lib/loopback.ts'
import { type Environment, list, type Report } from './environment.ts'

/**
 * Who may call, and with what.
 *
 * @param host where the server listens: what is dangerous is allowed on loopback alone
 */
export function readCallers(
  valid: Environment,
  { production, host, report }: { readonly production: boolean; readonly host: string; readonly report: Report },
) {
  const requiredScopes = list(valid.MCP_OAUTH_REQUIRED_SCOPES ?? 'access_as_user')
  if (requiredScopes.length === 0) report('MCP_OAUTH_REQUIRED_SCOPES', 'invalid', 'must name a scope')
  // Tokens name them without what the portal shows before them.
  if (requiredScopes.some((scope) => scope.includes('://'))) {
    report('MCP_OAUTH_REQUIRED_SCOPES', 'invalid', 'must be names of scopes, such as access_as_user, without api://…/')
  }

  const isOpen = production || !isLoopback(isIP(host) === 6 ? `[${host}]` : host.toLowerCase())
  const where = production ? 'in production' : 'unless HOST is a loopback address, such as 127.0.0.1'
  const required = valid.MCP_REQUIRE_AUTH !== 'false'
  const graphBearerToken = valid.ALLOW_GRAPH_BEARER_TOKEN === 'true'
  if (isOpen && !required) report('MCP_REQUIRE_AUTH', 'unsafe', `must not be false ${where}`)
  if (isOpen && graphBearerToken) report('ALLOW_GRAPH_BEARER_TOKEN', 'unsafe', `must not be true ${where}`)

  const graphAccessToken = valid.GRAPH_ACCESS_TOKEN
  const accessTokenArgument = (valid.ALLOW_MCP_ACCESS_TOKEN_ARG ?? String(!production)) === 'true'
  if (graphAccessToken !== undefined && production) {
    report('GRAPH_ACCESS_TOKEN', 'unsafe', 'must not be set in production')
  } else if (graphAccessToken !== undefined && !accessTokenArgument) {
    report('GRAPH_ACCESS_TOKEN', 'requires', 'requires ALLOW_MCP_ACCESS_TOKEN_ARG=true')
  }
  return {
    required,
    requiredScopes,
    /** Empty: every application of the tenant may call. */
    allowedClientIds: list(valid.MCP_ALLOWED_CLIENT_IDS).map((id) => id.toLowerCase()),
    accessTokenArgument,
    graphBearerToken,
    graphAccessToken,
  }
}
