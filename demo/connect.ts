import type { SignedIn } from './sign-in.ts'

/** How to point real clients at the server, which sign in by themselves; a token for those that do not; and refusals. */
export function connectText(url: string, userPrincipalName: string, { accessToken, expiresAtMs }: SignedIn): string {
  const minutes = Math.round((expiresAtMs - Date.now()) / 60_000)
  const expires = new Date(expiresAtMs).toISOString().replace(/\.\d+Z/, 'Z')
  const variable = process.platform === 'win32' ? '$TOKEN = ' : 'TOKEN='
  return `The server stays up at ${url} until Ctrl-C.
Clients sign in by themselves: a browser opens, and there you are whoever you like. No password is asked.

Claude Code, where /mcp then signs in

claude mcp add --transport http message-center ${url}

VS Code: .vscode/mcp.json

${vsCodeConfig(url)}

MCP Inspector, which npx fetches (Node 22.19): Add Servers, Add manually, streamable-http and the address; then its switch

npx @modelcontextprotocol/inspector@2

Where nobody can open a browser: a token for ${userPrincipalName}. It opens nothing but this demo
and expires at ${expires}, in ${minutes} minutes; then start the demo again.

${variable}'${accessToken}'

npx @modelcontextprotocol/inspector@2 --cli --server-url ${url} --transport http --header "Authorization: Bearer $TOKEN" --method tools/list

To see it refuse, run another demo as somebody else

npm run demo -- --once --user nico    no admin role: Graph answers 403, the tool names the role
npm run demo -- --once --user mika    must use MFA: 401 with claims, and the sign-in that meets them
npm run demo -- --once --user cato    no consent to Graph: the tool gives the link for an administrator
`
}

/** Not JSON.stringify's layout, which is twice as long. */
function vsCodeConfig(url: string): string {
  return `{
  "servers": {
    "message-center": { "type": "http", "url": ${JSON.stringify(url)} }
  }
}`
}
