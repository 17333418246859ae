/**
 * The floor: the least work that an honest server does for a warm `tools/call`. It parses the body, looks the verified
 * token and its Graph token up, makes one pooled GET and responds once, as JSON. There is no MCP library and no limit,
 * log or check beyond these. A token that is new to it is verified and exchanged, once.
 */
import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { Pool, request } from 'undici'
import { tenantEndpoints } from './tenant-endpoints.ts'

const { clientId, clientSecret, issuer, tokenUrl, keysUrl, messagesUrl, port } = tenantEndpoints(process.env)
const { origin, pathname } = new URL(messagesUrl)
const graph = new Pool(origin, { connections: 64 })
const keys = createRemoteJWKSet(new URL(keysUrl))
/** Graph tokens by the hash of the token that they were exchanged for. */
const graphTokens = new Map<string, Promise<string>>()

interface Message {
  readonly id: string | number
  readonly params?: { readonly arguments?: { readonly top?: number } }
}

const app = Fastify()
app.get('/readyz', async () => ({}))
app.post<{ Body: Message }>('/mcp', async ({ headers, body: { id, params } }) => {
  const assertion = headers.authorization?.slice('Bearer '.length) ?? ''
  const key = createHash('sha256').update(assertion).digest('base64')
  const graphToken = graphTokens.get(key) ?? exchange(assertion)
  graphTokens.set(key, graphToken)
  const { body } = await graph.request({
    method: 'GET',
    path: `${pathname}?$count=true&$top=${Number(params?.arguments?.top ?? 5)}`,
    headers: { authorization: `Bearer ${await graphToken}` },
  })
  const structuredContent = await body.json()
  const text = JSON.stringify(structuredContent)
  return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }], structuredContent } }
})
await app.listen({ host: '127.0.0.1', port })

async function exchange(assertion: string): Promise<string> {
  await jwtVerify(assertion, keys, { issuer, audience: clientId, algorithms: ['RS256'] })
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    client_id: clientId,
    client_secret: clientSecret,
    assertion,
    scope: 'https://graph.microsoft.com/.default',
    requested_token_use: 'on_behalf_of',
  })
  const { body } = await request(tokenUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  })
  const { access_token } = (await body.json()) as { access_token: string }
  return access_token
}
