import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildApp } from '../../src/app.ts'
import { configFor, mcpHeaders } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { file, productionConfig } from './harness.ts'

/** Every route of the service, and who may ask. A new one fails the first test until somebody has placed it here. */
const placed: Readonly<Record<string, 'public' | 'protected'>> = {
  'GET /': 'public',
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /discover': 'public',
  'GET /.well-known/oauth-protected-resource': 'public',
  'GET /.well-known/oauth-protected-resource/mcp': 'public',
  'GET /.well-known/oauth-authorization-server': 'public',
  'GET /.well-known/oauth-authorization-server/mcp': 'public',
  'GET /.well-known/openid-configuration': 'public',
  'POST /register': 'public',
  'GET /authorize': 'public',
  'GET /oauth2/v2.0/authorize': 'public',
  'POST /oauth/consent': 'public',
  'GET /oauth/callback': 'public',
  'POST /token': 'public',
  'POST /oauth2/v2.0/token': 'public',
  'POST /revoke': 'public',
  'POST /mcp': 'protected',
  'GET /mcp': 'protected',
  'DELETE /mcp': 'protected',
  'PUT /mcp': 'protected',
  'PATCH /mcp': 'protected',
  'TRACE /mcp': 'protected',
  'QUERY /mcp': 'protected',
  // CORS handles preflights, which carry no credentials, for every path.
  'OPTIONS *': 'public',
}

const tenant = await startEmulator()
file.after(() => tenant.close())
const app = await buildApp(configFor(tenant, { LOG_LEVEL: 'silent' }))
file.after(() => app.close())
await app.ready()
await app.entraKeys.start()

test('every route of the app is placed as public or protected', () => {
  const listed = listRoutes(app.printRoutes({ commonPrefix: false }))
  assert.deepEqual(listed.sort(), Object.keys(placed).sort())
})

test('production has the same routes', async (t) => {
  const production = await buildApp(productionConfig(tenant, { LOG_LEVEL: 'silent' }))
  t.after(() => production.close())
  await production.ready()
  const tree = (of: typeof app) => listRoutes(of.printRoutes({ commonPrefix: false })).sort()
  assert.deepEqual(tree(production), tree(app))
})

for (const [route, access] of Object.entries(placed)) {
  const [method = '', path = ''] = route.split(' ')
  if (path === '*') continue
  test(`${route} is ${access}`, async () => {
    // The home page is for browsers alone.
    const headers = path === '/' ? { accept: 'text/html' } : mcpHeaders()
    const response = await app.inject({ method: method as 'GET', url: path, headers })
    if (access === 'protected') assert.equal(response.statusCode, 401)
    else assert.ok(![401, 404, 500].includes(response.statusCode), `returned ${response.statusCode}`)
  })
}

for (const dressed of ['/', '//', '?access_token=x', ';x', '%20', '%2f', '/.', '/../mcp', '#', '\\']) {
  test(`"${dressed}" after the endpoint’s path is no way around its guard`, async () => {
    for (const method of ['POST', 'GET', 'HEAD', 'DELETE', 'PUT'] as const) {
      const { statusCode } = await app.inject({ method, url: `/mcp${dressed}` })
      assert.ok([401, 404].includes(statusCode), `${method} returned ${statusCode}`)
    }
  })
}

test('a header that names another method is no way around it either', async () => {
  const headers = { ...mcpHeaders(), 'x-http-method-override': 'OPTIONS' }
  assert.equal((await app.inject({ method: 'POST', url: '/mcp', headers, body: {} })).statusCode, 401)
})

test('a path that cannot be decoded is rejected in the same shape, and not repeated', async () => {
  const response = await app.inject({ url: '/secret/%zz' })
  assert.equal(response.statusCode, 400)
  assert.equal(response.json().error.data.reason, 'bad_request')
  assert.doesNotMatch(response.body, /secret|zz/)
})

test('an unknown path says so, and where the endpoint is', async () => {
  const response = await app.inject({ url: '/admin', headers: { authorization: 'Bearer x' } })
  assert.equal(response.statusCode, 404)
  assert.match(response.json().error.message, /POST \/mcp/)
})

/** `METHOD path` of each line of Fastify's route tree; HEAD comes with every GET. */
function listRoutes(tree: string): string[] {
  const routes: string[] = []
  const path: string[] = []
  for (const line of tree.split('\n')) {
    const [, indent = '', segment = '', methods] = /^([│ ]*)[├└]── (\S+)(?: \((.+)\))?$/.exec(line) ?? []
    if (segment === '') continue
    path.length = indent.length / 4
    path.push(segment)
    for (const method of methods?.split(', ') ?? []) if (method !== 'HEAD') routes.push(`${method} ${path.join('')}`)
  }
  return routes
}
