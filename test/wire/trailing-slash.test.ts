import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, mcpHeaders } from '../helper.ts'
import { call, file, type HttpResponse, listTools, modernToolCall } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** The endpoint under its address with a slash at the end, as people type it: the same route, with all that guards it. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin, logs } = await listen(file, {}, tenant)
const token = await tenant.mint({ user: 'rowan' })

function postTo(path: string, headers: Record<string, string>, message: object = listTools, at = origin) {
  return call(at + path, { method: 'POST', headers, body: JSON.stringify(message) })
}

test('both eras are served', async () => {
  const legacy = await postTo('/mcp/', mcpHeaders(token))
  assert.ok(legacy.body.result?.['tools'], legacy.text)
  const { message, headers } = modernToolCall('getMessages', { top: 0 })
  const modern = await postTo('/mcp/', { ...mcpHeaders(token), ...headers }, message)
  assert.ok(modern.body.result?.structuredContent, modern.text)
  const withQuery = await postTo('/mcp/?x=1', mcpHeaders(token))
  assert.equal(withQuery.status, 200)
  assert.ok(logs.filter(({ event }) => event === 'request').every(({ route }) => route === '/mcp'))
})

for (const [what, headers, status] of [
  ['a call without a token', mcpHeaders(), 401],
  ['a call with a token that is none', mcpHeaders('x.y.z'), 401],
  ['a page of another origin', { ...mcpHeaders(token), origin: 'https://evil.example' }, 403],
  ['a call by another Host', { ...mcpHeaders(token), host: 'evil.example' }, 403],
] as const) {
  test(`${what} is rejected as at the address without the slash`, async () => {
    const essence = ({ status, headers, body }: HttpResponse) => [
      status,
      headers['www-authenticate'],
      body.error?.code,
      body.error?.data?.reason,
    ]
    const [slash, plain] = [await postTo('/mcp/', headers), await postTo('/mcp', headers)]
    assert.equal(slash.status, status)
    assert.deepEqual(essence(slash), essence(plain))
  })
}

test('both addresses count against one limit', async (t) => {
  const limited = await listen(t, { RATE_LIMIT_MAX: '3', RATE_LIMIT_USER_MAX: '3' }, tenant)
  for (const [path, own, status] of [
    ['/mcp/', undefined, 401],
    ['/mcp', undefined, 401],
    ['/mcp/', undefined, 401],
    ['/mcp/', undefined, 429],
    ['/mcp', undefined, 429],
  ] as const) {
    assert.equal((await postTo(path, mcpHeaders(own), listTools, limited.origin)).status, status)
  }
})

test('both addresses count against one limit of a user', async (t) => {
  const limited = await listen(t, { RATE_LIMIT_USER_MAX: '2' }, tenant)
  const statuses = []
  for (const path of ['/mcp/', '/mcp', '/mcp/', '/mcp']) {
    statuses.push((await postTo(path, mcpHeaders(token), listTools, limited.origin)).status)
  }
  assert.deepEqual(statuses, [200, 200, 429, 429])
})

for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-authorization-server/mcp']) {
  test(`${path}/ is what ${path} is`, async () => {
    const [slash, plain] = [await call(`${origin}${path}/`), await call(origin + path)]
    assert.deepEqual([slash.status, slash.text], [200, plain.text])
  })

  test(`${path}/ is open to the pages that ${path} is open to`, async () => {
    const headers = { origin: 'https://page.example' }
    const { status, headers: got } = await call(`${origin}${path}/`, { headers })
    assert.deepEqual([status, got['access-control-allow-origin']], [200, '*'])
    const preflight = { ...headers, 'access-control-request-method': 'GET' }
    const asked = await call(`${origin}${path}/`, { method: 'OPTIONS', headers: preflight })
    assert.deepEqual([asked.status, asked.headers['access-control-allow-origin']], [204, '*'])
  })
}

for (const path of ['/mcp//', '//mcp', '//mcp/', '/mcp/x', '/mcp%2f']) {
  test(`${path} is another path, and not there`, async () => {
    assert.equal((await postTo(path, mcpHeaders(token))).status, 404)
  })
}
