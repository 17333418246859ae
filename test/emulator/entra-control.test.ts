import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { startEmulator } from '../../emulator/app.ts'
import { call, exchangeForm, postToken, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const { origin, tenantId, tenant, mint } = emulator

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

function control<T = Record<string, unknown>>(method: Method, path: string, body?: object) {
  return call<T>(`${origin}/_emulator${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
}

for (const host of ['0.0.0.0', '192.0.2.1', '::', 'contoso.example']) {
  test(`it does not listen on ${host}`, async () => {
    await assert.rejects(startEmulator({ host }), /is not a loopback address/)
  })
}

test('it listens elsewhere when told that this is meant', async () => {
  const open = await startEmulator({ host: '0.0.0.0', allowNonLoopback: true })
  await open.close()
})

test('a tenant id can be given', async () => {
  const other = await startEmulator({ tenantId: '7c1d0a3e-2b54-4f6a-8e9d-0f1a2b3c4d05' })
  const { status } = await call(`${other.origin}/${other.tenantId}/discovery/v2.0/keys`)
  await other.close()
  assert.equal(status, 200)
})

test('ids are the same with every start, and secrets are not', async () => {
  const again = await startEmulator()
  await again.close()
  assert.equal(again.tenantId, tenantId)
  assert.equal(again.api.clientId, emulator.api.clientId)
  assert.notEqual(again.api.clientSecret, emulator.api.clientSecret)
})

test('statistics count endpoints and show the last Graph request without its token', async () => {
  await control('DELETE', '/stats')
  await call(`${origin}/${tenantId}/discovery/v2.0/keys`)
  const token = await mint({ kind: 'graph' })
  const path = '/v1.0/admin/serviceAnnouncement/messages?$top=1'
  await call(origin + path, { headers: { authorization: `Bearer ${token}`, prefer: 'odata.maxpagesize=5' } })
  const { body, text } = await control<ReturnType<typeof emulator.stats.snapshot>>('GET', '/stats')
  assert.deepEqual([body.endpoints.keys, body.endpoints.graph, body.endpoints.token], [1, 1, 0])
  assert.deepEqual(body.lastGraphRequest, { method: 'GET', url: path, headers: { prefer: 'odata.maxpagesize=5' } })
  assert.equal(text.includes(token), false)
})

test('faults are set and cleared over HTTP, one or several', async () => {
  const keysUrl = `${origin}/${tenantId}/discovery/keys`
  assert.equal((await control('POST', '/faults', { target: 'keys', kind: 'status', status: 418 })).status, 201)
  assert.equal((await call(keysUrl)).status, 418)
  await control('POST', '/faults', [{ target: 'token', kind: 'hang' }])
  assert.equal(emulator.faults.rules.length, 2)
  assert.equal((await control('DELETE', '/faults')).status, 204)
  assert.equal((await call(keysUrl)).status, 200)
})

for (const [path, method, body] of [
  ['/faults', 'POST', { target: 'keys', kind: 'status', statsu: 500 }],
  ['/faults', 'POST', { target: 'keys', kind: 'status', status: '500' }],
  ['/faults', 'POST', { target: 'kyes', kind: 'status' }],
  ['/tokens', 'POST', { user: 'rowan', cuont: 2 }],
  ['/tokens', 'POST', { user: 'nobody@fabrikam.example' }],
  ['/tenant', 'PATCH', { consents: {} }],
  ['/tenant', 'PATCH', { users: [{ user: 'nobody@fabrikam.example' }] }],
] as const) {
  test(`${method} ${path} rejects ${JSON.stringify(body)}`, async () => {
    assert.equal((await control(method, path, body)).status, 400)
    assert.deepEqual(emulator.faults.rules, [])
  })
}

test('keys are rotated and retired over HTTP', async () => {
  const { body } = await control<{ kid: string }>('POST', '/keys/rotate')
  assert.equal(emulator.keys.current.kid, body.kid)
  assert.equal((await control('DELETE', `/keys/${body.kid}`)).status, 204)
  assert.equal((await control('DELETE', `/keys/${body.kid}`)).status, 409)
})

test('tokens are minted in bulk for numbered users', async () => {
  const { body } = await control<{ tokens: string[] }>('POST', '/tokens', { user: 'load-00098', count: 3 })
  const names = body.tokens.map((token) => decodeJwt(token)['name'])
  assert.deepEqual(names, ['load-00098', 'load-00099', 'load-00100'])
  const { status } = await postToken(emulator, exchangeForm(emulator, body.tokens[2] ?? ''))
  assert.equal(status, 200)
})

test('tokens of any kind are minted over HTTP', async () => {
  const { body } = await control<{ tokens: string[] }>('POST', '/tokens', {
    kind: 'id',
    drop: ['oid'],
    claims: { a: 1 },
  })
  const claims = decodeJwt(body.tokens[0] ?? '')
  assert.deepEqual([claims['oid'], claims['a'], claims.aud], [undefined, 1, emulator.client.clientId])
})

test('users are listed with what they show', async () => {
  const { body } = await control<{ users: { userPrincipalName: string }[] }>('GET', '/users')
  assert.equal(body.users[0]?.userPrincipalName, 'rowan@contoso.example')
})

test('the tenant can be changed over HTTP', async (t) => {
  t.after(() => {
    Object.assign(tenant.consent, { apiToGraph: 'granted' })
    tenant.api.requestedAccessTokenVersion = 2
  })
  const before = await mint({ user: 'load-00500' })
  const { status, body } = await control('PATCH', '/tenant', {
    consent: { apiToGraph: 'admin_required' },
    requestedAccessTokenVersion: 1,
    redirectUris: ['https://contoso.example/cb'],
    users: [
      { user: 'load-00500', conditionalAccess: 'blocked', roles: ['Global Administrator'], revokeSessions: true },
    ],
  })
  assert.equal(status, 200)
  assert.deepEqual(body, {
    tenantId,
    consent: { clientToApi: 'granted', apiToGraph: 'admin_required' },
    requestedAccessTokenVersion: 1,
  })
  assert.ok(tenant.client.redirectUris.web.includes('https://contoso.example/cb'))
  const user = tenant.directory.find('load-00500')
  assert.deepEqual([user?.conditionalAccess, user?.roles], ['blocked', ['Global Administrator']])
  const response = await postToken(emulator, exchangeForm(emulator, before))
  assert.deepEqual(response.body.error_codes, [50173])
})

test('the controls set unfilterable properties and the visibility of data privacy posts', async () => {
  const query = new URLSearchParams({ $filter: "viewPoint/isRead ne true and tags/any(t:t eq 'GDPR')", $top: '1' })
  const token = await mint({ kind: 'graph', user: 'rowan' })
  const ask = async () => {
    const headers = { authorization: `Bearer ${token}` }
    const url = `${origin}/v1.0/admin/serviceAnnouncement/messages?${query}`
    const { status, body } = await call<{ value?: unknown[] }>(url, { headers })
    return [status, body.value?.length]
  }
  assert.deepEqual(await ask(), [200, 1])
  await control('PATCH', '/tenant', { dataPrivacyPosts: 'hidden' })
  assert.deepEqual(await ask(), [200, 0])
  await control('PATCH', '/tenant', { unfilterable: ['details', 'viewPoint', 'body'] })
  assert.deepEqual(await ask(), [400, undefined])
  assert.equal((await control('PATCH', '/tenant', { unfilterable: ['title'] })).status, 400)
  await control('PATCH', '/tenant', { dataPrivacyPosts: 'redacted', unfilterable: ['details'] })
})

test('posts name their reader where that was asked for, and not otherwise', async () => {
  const path = '/v1.0/admin/serviceAnnouncement/messages?$top=2&$select=id,viewPoint'
  const token = await mint({ kind: 'graph', user: 'load-00007' })
  const readers = async () => {
    const { body } = await call<{ value: { viewPoint: { reader?: string } | null }[] }>(origin + path, {
      headers: { authorization: `Bearer ${token}` },
    })
    return body.value.map(({ viewPoint }) => viewPoint?.reader)
  }
  assert.deepEqual(await readers(), [undefined, undefined])
  await control('PATCH', '/tenant', { namesReader: true })
  const { id } = tenant.directory.find('load-00007') ?? {}
  assert.deepEqual(await readers(), [id, id])
  await control('PATCH', '/tenant', { namesReader: false })
})
