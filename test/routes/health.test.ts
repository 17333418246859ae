import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { startEmulator } from '../../emulator/app.ts'
import { entraKeys } from '../../src/plugins/entra-keys.ts'
import { gracefulStop } from '../../src/plugins/graceful-stop.ts'
import { healthRoutes } from '../../src/routes/health.ts'
import { configFor } from '../helper.ts'

const tenant = await startEmulator()
after(() => tenant.close())

async function build(t: TestContext) {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(gracefulStop)
  await app.register(entraKeys, { config: configFor(tenant) })
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
