import { isRedirectAllowed, parseRedirectRule } from '../../lib/redirect-policy.ts'

/**
 * Products by the redirect URIs that are theirs alone (docs/clients.md has the whole list). They belong to the product,
 * and not to one app: everybody who connects an app or agent there shares them.
 */
const owners: readonly (readonly [owner: string, ...entries: readonly string[]])[] = [
  ['Microsoft Teams or Microsoft 365 Copilot', 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'],
  ['Visual Studio Code', 'https://vscode.dev/redirect', 'https://insiders.vscode.dev/redirect'],
  ['Microsoft Copilot Studio', 'https://global.consent.azure-apim.net/redirect/'],
  ['Claude', 'https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
  ['ChatGPT', 'https://chatgpt.com/connector/oauth/', 'https://chatgpt.com/connector_platform_oauth_redirect'],
  ['Cursor', 'https://www.cursor.com/agents/mcp/oauth/callback'],
]
const rules = owners.map(([owner, ...entries]) => ({
  owner,
  rules: entries.map(parseRedirectRule).filter((rule) => rule !== undefined),
}))

/** The product that a redirect URI proves, whatever a client says of itself; undefined where it proves none. */
export function redirectOwner(redirectUri: string): string | undefined {
  return rules.find((one) => isRedirectAllowed(redirectUri, one.rules))?.owner
}
