import type { SignedIn } from './sign-in.ts'

/** What to paste into real clients, with a token that works, and how to see the server refuse. */
export function connectText(url: string, userPrincipalName: string, { accessToken, expiresAtMs }: SignedIn): string {
  const minutes = Math.round((expiresAtMs - Date.now()) / 60_000)
  const expires = new Date(expiresAtMs).toISOString().replace(/\.\d+Z/, 'Z')
  const variable = process.platform === 'win32' ? '$TOKEN = ' : 'TOKEN='
  return `The server stays up at ${url} until Ctrl-C.

A token of the emulated tenant, for ${userPrincipalName}. It opens nothing but this demo
and expires at ${expires}, in ${minutes} minutes; then start the demo again.

${variable}'${accessToken}'

Claude Code

claude mcp add --transport http message-center ${url} --header "Authorization: Bearer $TOKEN"

VS Code: .vscode/mcp.json, which asks for the token

${vsCodeConfig(url)}

MCP Inspector, which npx fetches (Node 22)

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
  "inputs": [{ "type": "promptString", "id": "token", "description": "Access token", "password": true }],
  "servers": {
    "message-center": {
      "type": "http",
      "url": ${JSON.stringify(url)},
      "headers": { "Authorization": "Bearer \${input:token}" }
    }
  }
}`
}
