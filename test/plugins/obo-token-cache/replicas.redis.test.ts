import assert from 'node:assert/strict'
import { hash, randomBytes, randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import type { TokenRequest } from '../../../src/plugins/obo-token-cache/redeem.ts'
import { type Env, eventually, freePort, listen, type RunningApp, toolCall } from '../../helper.ts'
import { connected, startRedis, undisturbed } from '../../redis-helper.ts'
import { scrape } from '../../scrape.ts'
import { file, post, reasonOf } from '../../security/harness.ts'
import { startEmulator } from '../../tenant.ts'

/** Replicas of the whole service at one Redis, each on a socket of its own; the tenant counts what they ask of it. */
const tenant = await startEmulator()
file.after(() => tenant.close())

const newKey = () => randomBytes(32).toString('base64')
const call = toolCall('getMessages', { top: 1 })
const exchanges = () => tenant.stats.snapshot().grants.on_behalf_of

async function startReplicas(t: TestContext, count: number, env: Env = { CACHE_ENCRYPTION_KEY: newKey() }) {
  const server = await startRedis(t)
  const redis = new Redis(server.url)
  redis.on('error', () => {})
  t.after(() => redis.disconnect())
  tenant.stats.reset()
  t.after(() => tenant.faults.clear())
  const replicas: RunningApp[] = []
  for (let i = 0; i < count; i++) replicas.push(await listen(t, { REDIS_URL: server.url, ...env }, tenant))
  await Promise.all(replicas.map(connected))
  return { server, redis, replicas, env }
}

/** Calls a replica as a client would. */
async function read(replica: RunningApp | undefined, token: string) {
  const response = await post(replica?.origin ?? '', call, token)
  return { status: response.status, isError: response.body.result?.isError, reason: reasonOf(response) }
}
/** Asks a replica for the token alone, as its route does. */
function requestOf(token: string): TokenRequest {
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }
  return {
    caller: {
      ...{ tenantId: tenant.tenantId, userKey: 'user', clientId: tenant.client.clientId, scopes: [] },
      expiresAtMs: exp * 1000,
      tokenHash: hash('sha256', token, 'base64url'),
    },
    assertion: token,
    scopes: ['https://graph.microsoft.com/ServiceMessage.Read.All'],
    correlationId: randomUUID(),
  }
}
const good = { status: 200, isError: undefined, reason: undefined }

/** Everything that Redis holds: names, and values in every form that could be read. */
async function dump(redis: Redis): Promise<string> {
  const keys = await redis.keys('*')
  const values = (await Promise.all(keys.map((key) => partsOf(redis, key)))).flat()
  return [...keys, ...values.flatMap((value) => [value.toString('utf8'), value.toString('base64')])].join('\n')
}

async function partsOf(redis: Redis, key: string): Promise<Buffer[]> {
  switch (await redis.type(key)) {
    case 'hash':
      return (await redis.callBuffer('HGETALL', key)) as Buffer[]
    case 'zset':
      return (await redis.callBuffer('ZRANGE', key, '0', '-1')) as Buffer[]
    default: {
      const value = await redis.getBuffer(key)
      return value === null ? [] : [value]
    }
  }
}

/** When the token of an exchange is in Redis. */
const stored = (redis: Redis) => eventually(async () => (await redis.keys('*:obo:*')).length > 0)

test('sixty users at three replicas, one replica after the other, are exchanged for sixty times', async (t) => {
  const { tokens } = await undisturbed(
    () => startReplicas(t, 3),
    async ({ redis, replicas }) => {
      const users = Array.from({ length: 60 }, (_, i) => `load-${i}`)
      const requests = (await Promise.all(users.map((user) => tenant.mint({ user })))).map(requestOf)
      const tokens: string[] = []
      for (const { app } of replicas) {
        const twice = requests.flatMap((request) => [app.oboTokens.get(request), app.oboTokens.get(request)])
        tokens.push((await Promise.all(twice)).join())
        await eventually(async () => (await redis.keys('*:obo:*')).length === 60)
      }
      return { tokens }
    },
  )
  assert.equal(new Set(tokens).size, 1)
  assert.deepEqual(new Set(Object.values(tenant.stats.snapshot().exchangesByUser)), new Set([1]))
  assert.equal(exchanges(), 60)
})

test('Redis names nobody, and holds no token that can be read', async (t) => {
  const { redis, replicas } = await startReplicas(t, 2)
  const people = [...tenant.users, ...['load-1', 'load-2', 'load-3'].map((name) => tenant.tenant.directory.find(name))]
  const tokens = await Promise.all(
    people.map((user) => tenant.mint({ user: user?.userPrincipalName ?? assert.fail() })),
  )
  const graphTokens: string[] = []
  for (const token of tokens) {
    for (const { app, ...replica } of replicas) {
      await read({ app, ...replica }, token)
      await app.oboTokens.get(requestOf(token)).then(
        (graphToken) => graphTokens.push(graphToken),
        () => {},
      )
    }
  }
  await stored(redis)
  assert.ok(graphTokens.length > 10 && (await redis.dbsize()) > 5)
  const everything = (await dump(redis)).toLowerCase()
  const secrets = people.flatMap((user) => [user?.id, user?.userPrincipalName, user?.displayName])
  const parts = [...tokens, ...graphTokens].flatMap((token) => [
    ...token.split('.'),
    hash('sha256', token, 'base64url'),
  ])
  const { tenantId, api, client } = tenant
  const { body } = await post(replicas[0]?.origin ?? '', call, tokens[0])
  const page = body.result?.structuredContent as { value: { id: string; title: string }[] } | undefined
  const posts = (page?.value ?? []).flatMap(({ id, title }) => [id, title])
  assert.ok(posts.length > 0)
  for (const text of [
    ...secrets,
    ...posts,
    ...parts,
    'contoso',
    tenantId,
    api.clientId,
    api.clientSecret,
    client.clientId,
  ]) {
    if (text) assert.ok(!everything.includes(text.toLowerCase()), text)
  }
})

test('what one replica exchanged serves a call at another, and the metrics tell that from a hit', async (t) => {
  const port = String(await freePort())
  const { redis, server, replicas, env } = await startReplicas(t, 1)
  const b = await listen(t, { REDIS_URL: server.url, METRICS_PORT: port, ...env }, tenant)
  await connected(b)
  const token = await tenant.mint()
  assert.deepEqual(await read(replicas[0], token), good)
  await stored(redis)
  assert.deepEqual(await read(b, token), good)
  assert.deepEqual(await read(b, token), good)
  assert.equal(exchanges(), 1)
  const { sum } = await scrape(port)
  for (const [result, count] of [
    ['hit', 1],
    ['shared', 1],
    ['miss', 0],
  ] as const) {
    assert.equal(sum('message_center_obo_cache_requests_total', { result }), count, result)
  }
  assert.equal(sum('message_center_obo_shared_tokens_total', { result: 'opened' }), 1)
  assert.equal(sum('message_center_obo_shared_tokens_total', { result: 'unreadable' }), 0)
})

test('a token that Graph rejects is evicted there and from Redis; another replica learns of it from Graph', async (t) => {
  const { redis, replicas } = await startReplicas(t, 3)
  const token = await tenant.mint()
  assert.deepEqual(await read(replicas[0], token), good)
  await stored(redis)
  for (const replica of replicas) assert.deepEqual(await read(replica, token), good)
  assert.equal(exchanges(), 1)
  const reject = {
    target: 'graph',
    kind: 'graph-error',
    status: 401,
    code: 'InvalidAuthenticationToken',
    times: 1,
  } as const
  tenant.faults.add(reject)
  assert.equal((await read(replicas[0], token)).reason, 'graph_token_rejected')
  await eventually(async () => (await redis.keys('*:obo:*')).length === 0)
  assert.deepEqual(
    replicas.map(({ app }) => app.oboTokens.stats.entries),
    [0, 1, 1],
  )
  assert.deepEqual(await read(replicas[0], token), good)
  await stored(redis)
  assert.equal(exchanges(), 2)
})

test('what Entra rejects at one replica is asked of it at another at once', async (t) => {
  const { redis, replicas } = await startReplicas(t, 2)
  const [a, b] = replicas
  const token = await tenant.mint()
  tenant.faults.add({ target: 'token', kind: 'aadsts', code: 50105, times: 1 })
  assert.equal((await read(a, token)).reason, 'user_not_allowed')
  assert.deepEqual(await redis.keys('*:obo:*'), [])
  const start = performance.now()
  assert.deepEqual(await read(b, token), good)
  assert.ok(performance.now() - start < 1_000)
  assert.equal((await read(a, token)).reason, 'user_not_allowed', 'a remembers the rejection')
  assert.equal(exchanges(), 2)
})

for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
  test(`no call fails where Redis gets a ${signal} under load, nor after it`, async (t) => {
    const { server, replicas } = await startReplicas(t, 3)
    tenant.faults.add({ target: 'token', kind: 'delay', delayMs: 150 })
    const tokens = await Promise.all(Array.from({ length: 30 }, (_, i) => tenant.mint({ user: `load-${i}` })))
    const readAll = () => Promise.all(tokens.flatMap((token) => replicas.map((replica) => read(replica, token))))
    const during = readAll()
    await eventually(() => exchanges() > 0)
    server.process.kill(signal)
    for (const response of await during) assert.deepEqual(response, good)
    for (const response of await readAll()) assert.deepEqual(response, good)
    assert.ok(exchanges() <= 3 * 30, `${exchanges()}`)
    server.process.kill('SIGCONT')
  })
}

test('a full Redis fails no call', async (t) => {
  const { redis, replicas } = await startReplicas(t, 2)
  await redis.config('SET', 'maxmemory', '1')
  const token = await tenant.mint()
  for (const replica of replicas) assert.deepEqual(await read(replica, token), good)
  assert.equal(exchanges(), 2)
  assert.equal(await redis.dbsize(), 0)
})

test('without a key no token is in Redis', async (t) => {
  const { redis, replicas } = await startReplicas(t, 2, {})
  const token = await tenant.mint()
  for (const replica of replicas) assert.deepEqual(await read(replica, token), good)
  assert.equal(exchanges(), 2)
  assert.deepEqual(await redis.keys('*:obo:*'), [])
})
