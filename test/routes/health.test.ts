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
  return { app, probe }
}

test('a server lives as soon as it answers, and is ready once it has keys', async (t) => {
  const { app, probe } = await build(t)
  assert.deepEqual(await probe('/healthz'), [200, { status: 'ok' }])
  assert.deepEqual(await probe('/readyz'), [503, { status: 'not ready', why: 'signing keys are not loaded yet' }])
  await app.entraKeys.start()
  assert.deepEqual(await probe('/readyz'), [200, { status: 'ready' }])
})

test('a stopping server lives and is not ready, whatever it has', async (t) => {
  const { app, probe } = await build(t)
  await app.entraKeys.start()
  app.stopping = true
  assert.deepEqual(await probe('/readyz'), [503, { status: 'not ready', why: 'stopping' }])
  assert.deepEqual(await probe('/healthz'), [200, { status: 'ok' }])
})

test('a server whose credential is unavailable names its source, and no more', async (t) => {
  const env = { GRAPH_CLIENT_SECRET: '', GRAPH_CLIENT_CERT_PATH: '/nowhere/at/all.pem' }
  const { app, probe } = await build(t, env)
  await Promise.all([app.entraKeys.start(), app.clientAuthentication.start()])
  const why = 'the server’s credential could not be had from its file yet: the log says why (credential_unavailable)'
  assert.deepEqual(await probe('/readyz'), [503, { status: 'not ready', why }])
  assert.deepEqual(await probe('/healthz'), [200, { status: 'ok' }])
})
