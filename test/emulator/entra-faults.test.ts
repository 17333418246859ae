import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { request } from 'undici'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { startEmulator } from '../tenant.ts'
import { call, exchangeForm, postToken, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const { origin, tenantId, faults, mint } = emulator
const keysUrl = `${origin}/${tenantId}/discovery/v2.0/keys`
const MEGABYTE = 1024 * 1024

afterEach(() => faults.clear())

const onKeys = (rule: Omit<FaultRule, 'target'>) => faults.add({ target: 'keys', ...rule })

test('status, with Retry-After in seconds', async () => {
  onKeys({ kind: 'status', status: 429, retryAfter: 7 })
  const { status, headers } = await call(keysUrl)
  assert.deepEqual([status, headers['retry-after']], [429, '7'])
})

test('Retry-After as a date', async () => {
  const retryAfter = new Date(Date.now() + 60_000).toUTCString()
  onKeys({ kind: 'status', status: 503, retryAfter })
  assert.equal((await call(keysUrl)).headers['retry-after'], retryAfter)
})

test('times counts down and the rule goes away', async () => {
  onKeys({ kind: 'status', status: 500, times: 2 })
  const statuses = [await call(keysUrl), await call(keysUrl), await call(keysUrl)].map(({ status }) => status)
  assert.deepEqual(statuses, [500, 500, 200])
  assert.deepEqual(faults.rules, [])
})

test('delay delays the response without changing it', async () => {
  onKeys({ kind: 'delay', delayMs: 80 })
  const startedAt = performance.now()
  assert.equal((await call(keysUrl)).status, 200)
  assert.ok(performance.now() - startedAt >= 78)
})

test('delay and status compose, as two rules or as one', async () => {
  onKeys({ kind: 'delay', delayMs: 40 })
  onKeys({ kind: 'status', status: 502, delayMs: 40 })
  const startedAt = performance.now()
  assert.equal((await call(keysUrl)).status, 502)
  assert.ok(performance.now() - startedAt >= 78)
})

test('hang sends nothing, not even headers', async () => {
  onKeys({ kind: 'hang' })
  await assert.rejects(request(keysUrl, { headersTimeout: 100 }), { code: 'UND_ERR_HEADERS_TIMEOUT' })
})

test('reset resets the connection', async () => {
  onKeys({ kind: 'reset' })
  await assert.rejects(request(keysUrl), { code: 'ECONNRESET' })
})

test('html comes with 200 and its type', async () => {
  onKeys({ kind: 'html' })
  const { status, headers, text } = await call(keysUrl)
  assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8'])
  assert.match(text, /^<!doctype html>/)
})

test('truncated is incomplete JSON', async () => {
  onKeys({ kind: 'truncated' })
  const { statusCode, body } = await request(keysUrl)
  assert.equal(statusCode, 200)
  await assert.rejects(body.json(), SyntaxError)
})

test('empty-object is {} under any status', async () => {
  onKeys({ kind: 'empty-object', status: 500 })
  const { status, text } = await call(keysUrl)
  assert.deepEqual([status, text], [500, '{}'])
})

test('wrong-types has the members with wrong types', async () => {
  onKeys({ kind: 'wrong-types' })
  assert.equal((await call<{ keys: unknown }>(keysUrl)).body.keys, 'none')
})

test('redirect points to another host', async () => {
  onKeys({ kind: 'redirect', location: 'http://127.0.0.1:1/elsewhere' })
  const { status, headers } = await call(keysUrl)
  assert.deepEqual([status, headers['location']], [302, 'http://127.0.0.1:1/elsewhere'])
})

test('huge is fifty megabytes', async () => {
  onKeys({ kind: 'huge' })
  const { body } = await request(keysUrl)
  let bytes = 0
  for await (const chunk of body) bytes += chunk.length
  assert.ok(bytes > 50 * MEGABYTE)
})

test('endless sends until the client disconnects', async () => {
  onKeys({ kind: 'endless' })
  const { body } = await request(keysUrl)
  let chunks = 0
  for await (const _ of body) if (++chunks === 3) break
  assert.equal(chunks, 3)
})

test('gzip-bomb is small on the wire and a gigabyte unpacked', async () => {
  onKeys({ kind: 'gzip-bomb' })
  const { headers, body } = await request(keysUrl)
  assert.equal(headers['content-encoding'], 'gzip')
  const packed = Buffer.from(await body.arrayBuffer())
  assert.ok(packed.length < 2 * MEGABYTE)
  const members = 128
  const first = packed.subarray(0, packed.length / members)
  assert.ok(packed.equals(Buffer.concat(Array.from({ length: members }, () => first))))
  assert.equal(gunzipSync(first).length * members, 1024 * MEGABYTE)
})

test('aadsts responses by number with everything that goes with it', async () => {
  faults.add({ target: 'token', kind: 'aadsts', code: 50196, times: 1 })
  const { status, body } = await postToken(emulator, exchangeForm(emulator, await mint()))
  assert.equal(status, 400)
  assert.deepEqual([body.error, body.error_codes], ['invalid_grant', [50196]])
})

test('aadsts accepts claims, a suberror or null, and a status', async () => {
  faults.add({
    target: 'token',
    kind: 'aadsts',
    code: 50076,
    claims: '{"access_token":{}}',
    suberror: null,
    status: 403,
  })
  const { status, body } = await postToken(emulator, exchangeForm(emulator, await mint()))
  assert.deepEqual([status, body.claims, body.suberror], [403, '{"access_token":{}}', undefined])
})

test('a fault for one grant does not affect others', async () => {
  faults.add({ target: 'token', kind: 'status', status: 500, grant: 'refresh_token' })
  assert.equal((await postToken(emulator, exchangeForm(emulator, await mint()))).status, 200)
  assert.equal((await postToken(emulator, { grant_type: 'refresh_token' })).status, 500)
})

test('a fault for one user’s exchanges does not affect others', async () => {
  faults.add({ target: 'token', kind: 'status', status: 503, user: 'rowan@contoso.example' })
  assert.equal((await postToken(emulator, exchangeForm(emulator, await mint({ user: 'rowan' })))).status, 503)
  assert.equal((await postToken(emulator, exchangeForm(emulator, await mint({ user: 'gale' })))).status, 200)
})

test('a fault for one user’s Graph requests does not affect others', async () => {
  const gale = emulator.users[1]
  assert.ok(gale)
  faults.add({
    target: 'graph',
    kind: 'graph-error',
    status: 429,
    code: 'TooManyRequests',
    retryAfter: 3,
    user: gale.id,
  })
  const get = async (user: string) =>
    call<{ error?: { code: string } }>(`${origin}/v1.0/admin/serviceAnnouncement/messages`, {
      headers: { authorization: `Bearer ${await mint({ kind: 'graph', user })}` },
    })
  const rejected = await get('gale')
  assert.deepEqual(
    [rejected.status, rejected.body.error?.code, rejected.headers['retry-after']],
    [429, 'TooManyRequests', '3'],
  )
  assert.equal((await get('rowan')).status, 200)
})

for (const [target, path] of [
  ['discovery', `/${tenantId}/v2.0/.well-known/openid-configuration`],
  ['authorize', `/${tenantId}/oauth2/v2.0/authorize`],
] as const) {
  test(`${target} can fail`, async () => {
    faults.add({ target, kind: 'status', status: 502 })
    assert.equal((await call(origin + path)).status, 502)
    assert.equal((await call(keysUrl)).status, 200)
  })
}

test('close ends hanging and endless responses', async () => {
  const short = await startEmulator()
  short.faults.add({ target: 'keys', kind: 'hang' }, { target: 'discovery', kind: 'endless' })
  const base = `${short.origin}/${short.tenantId}`
  const hanging = request(`${base}/discovery/v2.0/keys`)
  const { body } = await request(`${base}/v2.0/.well-known/openid-configuration`)
  const ended = once(body.resume(), 'error')
  const rejected = assert.rejects(hanging)
  await short.close()
  await Promise.all([rejected, ended])
})
