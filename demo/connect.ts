import type { SignedIn } from './sign-in.ts'

/** How to connect real clients, a token for those that cannot sign in, and users whose calls fail. */
export function connectText(url: string, userPrincipalName: string, { accessToken, expiresAtMs }: SignedIn): string {
  const minutes = Math.round((expiresAtMs - Date.now()) / 60_000)
  const expires = new Date(expiresAtMs).toISOString().replace(/\.\d+Z/, 'Z')
  const variable = process.platform === 'win32' ? '$TOKEN = ' : 'TOKEN='
  return `The server is running at ${url}; Ctrl-C stops it.
Clients open a browser to sign in: choose any user, no password needed.
To try it in a browser, open ${new URL('/', url)}

Claude Code (sign in with /mcp)

claude mcp add --transport http message-center ${url}

VS Code: .vscode/mcp.json

${vsCodeConfig(url)}

MCP Inspector (Node 22.19): Add Servers, Add manually, streamable-http and the URL; then switch it on

npx @modelcontextprotocol/inspector@2

Without a browser: a token for ${userPrincipalName}, valid for this demo only.
It expires at ${expires}, in ${minutes} minutes; then restart the demo.

${variable}'${accessToken}'

npx @modelcontextprotocol/inspector@2 --cli --server-url ${url} --transport http --header "Authorization: Bearer $TOKEN" --method tools/list

To see errors, run another demo as a different user

npm run demo -- --once --user nico    no admin role: Graph returns 403, the tool error names the role
npm run demo -- --once --user mika    must use MFA: 401 with claims, and a sign-in that satisfies them
npm run demo -- --once --user cato    no consent to Graph: the tool error has the link for an administrator
`
}

/** More compact than JSON.stringify. */
function vsCodeConfig(url: string): string {
  return `{
  "servers": {
    "message-center": { "type": "http", "url": ${JSON.stringify(url)} }
  }
}`
}
