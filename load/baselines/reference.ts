/**
 * The reference pattern: how a straightforward server of this kind is put together from its parts. Express; jose verifies
 * every token of every request; each request gets an MCP server with zod schemas of its own; one msal-node client keeps
 * all users' tokens in its own cache; Graph is called by the global fetch; the result is printed twice, once indented.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConfidentialClientApplication } from '@azure/msal-node'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { z } from 'zod'
import { tenantEndpoints } from './tenant-endpoints.ts'

const endpoints = tenantEndpoints(process.env)
const { tenantId, clientId, clientSecret, issuer, messagesUrl, port } = endpoints
const scopes = ['https://graph.microsoft.com/.default']
const keys = createRemoteJWKSet(new URL(endpoints.keysUrl))
// MSAL wants an https authority; metadata that is given leads it to the emulated tenant.
const authority = `https://login.microsoftonline.com/${tenantId}`
const msal = new ConfidentialClientApplication({
  auth: {
    clientId,
    clientSecret,
    authority,
    authorityMetadata: JSON.stringify({
      issuer: `${authority}/v2.0`,
      authorization_endpoint: endpoints.authorizeUrl,
      token_endpoint: endpoints.tokenUrl,
      jwks_uri: endpoints.keysUrl,
    }),
  },
})

interface Page {
  readonly value: readonly { readonly id: string }[]
}

function createServer(assertion: string): McpServer {
  const server = new McpServer({ name: 'reference-pattern', version: '1.0.0' })
  server.registerTool(
    'getMessages',
    {
      description: 'Lists Message Center posts',
      inputSchema: {
        orderby: z.string().default('lastModifiedDateTime desc'),
        filter: z.string().optional(),
        count: z.boolean().default(true),
        top: z.number().int().min(0).optional(),
        skip: z.number().int().min(0).optional(),
        prefer: z.string().default('odata.maxpagesize=5'),
      },
    },
    async ({ orderby, filter, count, top, skip, prefer }) => {
      const token = await msal.acquireTokenOnBehalfOf({ oboAssertion: assertion, scopes })
      const url = new URL(messagesUrl)
      url.searchParams.set('$orderby', orderby)
      url.searchParams.set('$count', String(count))
      if (filter !== undefined) url.searchParams.set('$filter', filter)
      if (top !== undefined) url.searchParams.set('$top', String(top))
      if (skip !== undefined) url.searchParams.set('$skip', String(skip))
      const response = await fetch(url, { headers: { authorization: `Bearer ${token?.accessToken}`, prefer } })
      const page = (await response.json()) as Page
      const structuredContent = {
        ...page,
        value: page.value.map((post) => ({
          ...post,
          url: `https://admin.microsoft.com/#/MessageCenter/:/messages/${post.id}`,
        })),
      }
      return { content: [{ type: 'text', text: JSON.stringify(structuredContent, null, 2) }], structuredContent }
    },
  )
  return server
}

const app = createMcpExpressApp()
app.get('/readyz', (_request: IncomingMessage, response: ServerResponse) => void response.end('{}'))
app.post('/mcp', async (request: IncomingMessage & { body: unknown }, response: ServerResponse) => {
  const assertion = request.headers.authorization?.slice('Bearer '.length) ?? ''
  try {
    await jwtVerify(assertion, keys, { issuer, audience: clientId })
  } catch {
    response.writeHead(401).end()
    return
  }
  const server = createServer(assertion)
  const transport = new StreamableHTTPServerTransport()
  response.on('close', () => {
    void transport.close()
    void server.close()
  })
  // Its types say less than they hold under exactOptionalPropertyTypes.
  await server.connect(transport as Parameters<typeof server.connect>[0])
  await transport.handleRequest(request, response, request.body)
})
app.listen(port, '127.0.0.1')
