import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { clientCredential } from '../../src/plugins/client-credential/index.ts'
import { entraKeys } from '../../src/plugins/entra-keys/index.ts'
import { gracefulStop } from '../../src/plugins/graceful-stop/index.ts'
import { observability } from '../../src/plugins/observability/index.ts'
import { healthRoutes } from '../../src/routes/health.ts'
import { configFor, type Env } from '../helper.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
after(() => tenant.close())

async function build(t: TestContext, env: Env = {}) {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(gracefulStop)
  await app.register(observability)
  const config = configFor(tenant, env)
  await app.register(entraKeys, { config })
  await app.register(clientCredential, { config })
  await app.register(healthRoutes)
  await app.ready()
  const probe = async (url: string) => {
    const response = await app.inject({ url, headers: { host: '10.0.0.4' } })
    return [response.statusCode, response.json()]
  }
  /** The codes of /readyz, which is a 503. */
  const problems = async () => {
    const [status, { status: word, problems }] = await probe('/readyz')
    assert.deepEqual([status, word], [503, 'not_ready'])
    return problems.map(({ code }: { code: string }) => code)
  }
  return { app, probe, problems }
}

test('a server is alive as soon as it responds, and ready once it has keys', async (t) => {
  const { app, probe, problems } = await build(t)
  assert.deepEqual(await probe('/healthz'), [200, { status: 'ok' }])
  assert.deepEqual(await problems(), ['signing_keys_unavailable'])
  await app.entraKeys.start()
  assert.deepEqual(await probe('/readyz'), [200, { status: 'ready' }])
})

test('a stopping server is alive and not ready, whatever it has', async (t) => {
  const { app, probe, problems } = await build(t)
  await app.entraKeys.start()
  app.stopping = true
  assert.deepEqual(await problems(), ['stopping'])
  assert.deepEqual(await probe('/healthz'), [200, { status: 'ok' }])
})

const noCredential = { GRAPH_CLIENT_SECRET: '', GRAPH_CLIENT_CERT_PATH: '/nowhere/at/all.pem' }

test('a server without its credential says where it comes from, and no more', async (t) => {
  const { app, probe, problems } = await build(t, noCredential)
  await Promise.all([app.entraKeys.start(), app.clientAuthentication.start()])
  assert.deepEqual(await problems(), ['credential_unavailable'])
  const body = JSON.stringify(await probe('/readyz'))
  assert.match(body, /its file/)
  assert.doesNotMatch(body, /nowhere/)
  assert.deepEqual(await probe('/healthz'), [200, { status: 'ok' }])
})

test('every problem is listed at once', async (t) => {
  const { problems } = await build(t, noCredential)
  assert.deepEqual(await problems(), ['signing_keys_unavailable', 'credential_unavailable'])
})
