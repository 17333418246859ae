import { html } from 'ghtml'

/** How a client is connected. docs/clients.md has the same, and more clients. */
export interface ClientSetup {
  readonly client: string
  /** Safe HTML. */
  readonly steps: string
  /** To copy: a command, or what a file holds. */
  readonly snippet?: string
  /** One of its redirect URIs: where the server's list lacks it, nobody can sign in from this client. */
  readonly redirectUri: string
  /** Calls from its maker's cloud, which reaches no address of the user's own computer. */
  readonly isCloud?: true
}

/** @param address the MCP endpoint's URL */
export function clientSetups(address: string): readonly ClientSetup[] {
  const server = { type: 'http', url: address }
  return [
    {
      client: 'Claude',
      steps: html`<p>Choose <b>Settings</b>, <b>Connectors</b>, <b>Add custom connector</b>, and enter the address.</p>`,
      redirectUri: 'https://claude.ai/api/mcp/auth_callback',
      isCloud: true,
    },
    {
      client: 'Claude Code',
      steps: html`<p>Run this command, then <code>/mcp</code> in Claude Code.</p>`,
      snippet: `claude mcp add --transport http message-center ${address}`,
      redirectUri: 'http://localhost:51000/callback',
    },
    {
      client: 'VS Code',
      steps: html`<p>Put this into <code>.vscode/mcp.json</code>.</p>`,
      snippet: JSON.stringify({ servers: { 'message-center': server } }, null, 2),
      redirectUri: 'http://127.0.0.1:33418/',
    },
    {
      client: 'ChatGPT',
      steps: html`<p>Choose <b>Settings</b>, <b>Connectors</b>, with developer mode on. Create a connector with the address and the authentication <b>OAuth</b>.</p>`,
      redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
      isCloud: true,
    },
    {
      client: 'Copilot Studio',
      steps: html`<p>In your agent, choose <b>Tools</b>, <b>Add a tool</b>, <b>Model Context Protocol</b>. Enter the address and choose <b>OAuth 2.0</b>, <b>Dynamic discovery</b>.</p>`,
      redirectUri: 'https://global.consent.azure-apim.net/redirect/my-connector',
      isCloud: true,
    },
    {
      client: 'Teams, Microsoft 365 Copilot',
      steps: html`<p>Your administrator provisions the agent that comes with this server, with the Microsoft 365 Agents Toolkit: <code>agent/README.md</code>.</p>`,
      redirectUri: 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
      isCloud: true,
    },
    {
      client: 'MCP Inspector',
      steps: html`<p>Run this command (Node 22.19). Choose <b>Add Servers</b>, <b>Add manually</b>, the transport <b>streamable-http</b>, and enter the address. The switch on its card connects.</p>`,
      snippet: 'npx @modelcontextprotocol/inspector@2',
      redirectUri: 'http://127.0.0.1:6274/oauth/callback',
    },
    {
      client: 'Cursor',
      steps: html`<p>Put this into <code>.cursor/mcp.json</code>.</p>`,
      snippet: JSON.stringify({ mcpServers: { 'message-center': server } }, null, 2),
      redirectUri: 'http://localhost:8787/callback',
    },
  ]
}
