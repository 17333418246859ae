import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { eventually, freePort, listen, type RunningApp, toolCall } from '../helper.ts'
import { connected, startRedis } from '../redis-helper.ts'
import { file, originOf, post } from '../security/harness.ts'
import { freshCode, postForm, redeem, register } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())

/** Two replicas of one service with a Redis, each by its own address; the public origin is the first one's. */
async function startReplicas(t: TestContext): Promise<{ a: RunningApp; b: RunningApp }> {
  const { url } = await startRedis(t)
  const env = { REDIS_URL: url, MCP_OAUTH_SEAL_KEY: randomBytes(32).toString('base64') }
  const a = await listen(t, env, tenant)
  const second = await listen(t, { ...env, PUBLIC_BASE_URL: a.origin }, tenant)
  const b = { ...second, origin: originOf(second.app) }
  await Promise.all([connected(a), connected(b)])
  return { a, b }
}

/** Signs in at a single server, whose public origin is its own. */
async function signIn({ origin }: RunningApp) {
  const clientId = String((await register(origin)).body['client_id'])
  return freshCode(origin, clientId)
}

const redemptions = () => tenant.stats.snapshot().grants.authorization_code

test('a code redeemed at one replica is rejected at another, and Entra is not even asked', async (t) => {
  const { a, b } = await startReplicas(t)
  const code = await signIn(a)
  const before = redemptions()
  assert.equal((await redeem(b.origin, code)).status, 200)
  const again = await redeem(a.origin, code)
  assert.deepEqual([again.status, again.body['error']], [400, 'invalid_grant'])
  assert.match(String(again.body['error_description']), /already used/)
  assert.equal(redemptions(), before + 1)
})

test('what Entra requires of a user is known at every replica', async (t) => {
  const { a, b } = await startReplicas(t)
  const clientId = String((await register(a.origin)).body['client_id'])
  const { body } = await redeem(a.origin, await freshCode(a.origin, clientId, { user: 'mika' }))
  const { access_token, refresh_token } = body
  const { status } = await post(a.origin, toolCall('getMessages'), String(access_token))
  assert.equal(status, 401)
  const refresh = { grant_type: 'refresh_token', refresh_token: String(refresh_token), client_id: clientId }
  const rejected = await postForm(`${b.origin}/token`, refresh)
  assert.match(String(rejected.body['error_description']), /requires more of this sign-in/)
  const again = await redeem(b.origin, await freshCode(a.origin, clientId, { user: 'mika' }))
  assert.equal((await post(b.origin, toolCall('getMessages'), String(again.body['access_token']))).status, 200)
  const renewed = { ...refresh, refresh_token: String(again.body['refresh_token']) }
  assert.equal((await postForm(`${a.origin}/token`, renewed)).status, 200)
})

test('a sign-in revoked at one replica is rejected at another', async (t) => {
  const { a, b } = await startReplicas(t)
  const code = await signIn(a)
  const { refresh_token } = (await redeem(a.origin, code)).body
  const refresh = { grant_type: 'refresh_token', refresh_token: String(refresh_token), client_id: code.clientId }
  assert.equal((await postForm(`${b.origin}/token`, refresh)).status, 200)
  const revocation = { token: String(refresh_token), client_id: code.clientId }
  assert.equal((await postForm(`${a.origin}/revoke`, revocation)).status, 200)
  assert.equal((await postForm(`${b.origin}/token`, refresh)).body['error'], 'invalid_grant')
})

test('of sign-ins Redis learns random ids and nothing else', async (t) => {
  const { url } = await startRedis(t)
  const server = await listen(t, { REDIS_URL: url }, tenant)
  await connected(server)
  const code = await signIn(server)
  await redeem(server.origin, code)
  const keys = (await server.app.sharedStore?.ask((redis) => redis.keys('*:oauth:*'))) ?? []
  assert.equal(keys.length, 1)
  assert.match(keys[0] ?? '', /^mcp-message-center-server:oauth:code:[\w-]{16}$/)
  const [value, lifetimeMs] = (await server.app.sharedStore?.ask(async (redis) => [
    await redis.get(keys[0] ?? ''),
    await redis.pttl(keys[0] ?? ''),
  ])) ?? [undefined, 0]
  assert.equal(value, '1')
  assert.ok(Number(lifetimeMs) > 0 && Number(lifetimeMs) <= 600_000)
})

test('a server whose Redis is not there starts, signs in, says so once, and uses it when it comes', async (t) => {
  const port = await freePort()
  const server = await listen(t, { REDIS_URL: `redis://127.0.0.1:${port}` }, tenant)
  for (let i = 0; i < 3; i++) assert.equal((await redeem(server.origin, await signIn(server))).status, 200)
  const events = (name: string) => server.logs.filter(({ event }) => event === name).length
  await eventually(() => events('redis_down') === 1)
  await startRedis(t, port)
  await connected(server)
  assert.deepEqual([events('redis_down'), events('redis_up')], [1, 1])
})

test('a Redis that rejects the password is done without, and the log does not repeat it', async (t) => {
  const password = randomBytes(24).toString('base64url')
  const { port } = await startRedis(t, undefined, ['--requirepass', 'another-one'])
  const server = await listen(t, { REDIS_URL: `redis://:${password}@127.0.0.1:${port}` }, tenant)
  const lines = () => server.logs.map((line) => JSON.stringify(line)).join('\n')
  await eventually(() => lines().includes('redis_down'))
  assert.equal((await redeem(server.origin, await signIn(server))).status, 200)
  assert.match(lines(), /WRONGPASS/)
  assert.ok(!lines().includes(password), 'the password is in the log')
})

test('a Redis that hangs holds up no call for long, then none, and is used again when it responds', async (t) => {
  const redis = await startRedis(t)
  const server = await listen(t, { REDIS_URL: redis.url }, tenant)
  await connected(server)
  const store = server.app.sharedStore ?? assert.fail()
  const codes = [await signIn(server), await signIn(server)]
  redis.process.kill('SIGSTOP')
  await assert.rejects(store.client.ping(), /Command timed out/)
  for (const code of codes) assert.equal((await redeem(server.origin, code)).status, 200)
  await eventually(() => !store.isUp)
  // The connection is closed, and nothing waits for another one.
  const instantMs = performance.now()
  for (let i = 0; i < 100; i++) assert.equal(await store.ask((client) => client.ping()), undefined)
  assert.ok(performance.now() - instantMs < 1_000)
  assert.equal((await redeem(server.origin, codes[0] ?? assert.fail())).body['error'], 'invalid_grant')
  redis.process.kill('SIGCONT')
  await connected(server)
  assert.equal(server.logs.filter(({ event }) => event === 'redis_up').length, 1)
})

test('a Redis that dies in the middle of a sign-in is missed by no step of it', async (t) => {
  const redis = await startRedis(t)
  const server = await listen(t, { REDIS_URL: redis.url }, tenant)
  await connected(server)
  const code = await signIn(server)
  redis.process.kill('SIGKILL')
  await once(redis.process, 'exit')
  const { status, body } = await redeem(server.origin, code)
  assert.equal(status, 200)
  const refresh = {
    grant_type: 'refresh_token',
    refresh_token: String(body['refresh_token']),
    client_id: code.clientId,
  }
  assert.equal((await postForm(`${server.origin}/token`, refresh)).status, 200)
})

test('a Redis that is full is not taken for one that is down: it is logged once, and read on', async (t) => {
  const redis = await startRedis(t)
  const { app, logs } = await listen(t, { REDIS_URL: redis.url }, tenant)
  const store = app.sharedStore ?? assert.fail()
  await eventually(async () => (await store.ask((client) => client.config('SET', 'maxmemory', '1'))) === 'OK')
  const connection = await store.ask((client) => client.client('ID'))
  for (let i = 1; i <= 3; i++) {
    await eventually(async () => {
      await store.ask((client) => client.set('a', 'b'))
      return store.rejections >= i
    })
  }
  assert.equal(store.isUp, true)
  assert.equal(await store.ask((client) => client.client('ID')), connection)
  assert.equal(await store.ask((client) => client.get('a')), null)
  const rejected = logs.filter(({ event }) => String(event).startsWith('redis_'))
  assert.deepEqual(
    rejected.map(({ event }) => event),
    ['redis_rejected'],
  )
  assert.match(String(rejected[0]?.['why']), /OOM/)
})

test('a connection to what was the primary is given up for one to what is', async (t) => {
  const [old, next] = [await startRedis(t), await startRedis(t)]
  let target = old.port
  const name = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) socket.on('error', () => {})
    t.after(() => client.destroy())
  })
  t.after(() => name.close())
  await once(name.listen(0, '127.0.0.1'), 'listening')
  const server = await listen(t, { REDIS_URL: `redis://127.0.0.1:${(name.address() as AddressInfo).port}` }, tenant)
  await connected(server)

  const admin = new Redis(old.url)
  t.after(() => admin.disconnect())
  await admin.replicaof('127.0.0.1', await freePort())
  target = next.port
  const store = server.app.sharedStore ?? assert.fail()
  await eventually(async () => (await store.ask((client) => client.set('a', 'b'))) === 'OK')
  assert.match(String(server.logs.find(({ event }) => event === 'redis_rejected')?.['why']), /READONLY/)
})

test('a Redis whose responses all come too late is down, and up again once they do not', async (t) => {
  const redis = await startRedis(t)
  let delayMs = 0
  const proxy = createServer((socket) => {
    const upstream = connect(redis.port, '127.0.0.1')
    socket.pipe(upstream)
    upstream.on('data', (chunk) => setTimeout(() => socket.writable && socket.write(chunk), delayMs))
    upstream.on('error', () => {}).on('close', () => socket.destroy())
    socket.on('error', () => {}).on('close', () => upstream.destroy())
  }).listen(0, '127.0.0.1')
  t.after(() => proxy.close())
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const { app, logs } = await listen(t, { REDIS_URL: `redis://127.0.0.1:${port}` }, tenant)
  const store = app.sharedStore ?? assert.fail()
  await eventually(() => store.client.status === 'ready')
  const named = (name: string) => logs.filter(({ event }) => event === name).length
  delayMs = 150
  for (let i = 0; i < 4; i++) assert.equal(await store.ask((client) => client.ping()), undefined)
  assert.deepEqual([store.isUp, named('redis_down')], [true, 0])
  for (let i = 0; i < 4; i++) assert.equal(await store.ask((client) => client.ping()), undefined)
  assert.deepEqual([store.isUp, named('redis_down')], [false, 1])
  delayMs = 0
  await eventually(async () => {
    await store.ask((client) => client.ping())
    return store.isUp
  })
  assert.deepEqual([named('redis_down'), named('redis_up')], [1, 1])
})
