import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { buildBundle } from '../bundle-helper.ts'
import { type Env, envFor, eventually, freePort, toolCall } from '../helper.ts'
import { startReceiver } from '../otlp-receiver.ts'
import { scrape } from '../scrape.ts'
import { file, post } from '../security/harness.ts'
import { freshCode, redeem } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

const startBundle = buildBundle()
const tenant = await startEmulator()
file.after(() => tenant.close())

/** Starts the bundle and waits until it is ready. */
async function start(t: TestContext, env: Env = {}) {
  const running = await startBundle(t, { ...envFor(tenant), LOG_LEVEL: 'info', ...env })
  await running.ready()
  return running
}

test('it signs a user in, exchanges the token and reads a message as text', async (t) => {
  const { origin } = await start(t)
  const { status, body } = await redeem(origin, await freshCode(origin, tenant.api.clientId))
  assert.equal(status, 200)
  const response = await post(origin, toolCall('getMessages', { top: 1, body: 'text' }), String(body['access_token']))
  const { value = [] } = (response.body.result?.structuredContent ?? {}) as { value?: { body?: { content: string } }[] }
  assert.match(value[0]?.body?.content ?? '', /\w{3}/)
})

test('it serves the view that was built with it', async (t) => {
  const { origin } = await start(t)
  const read = { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'ui://message-center/view' } }
  const { body } = await post(origin, read, await tenant.mint())
  assert.match(JSON.stringify(body.result), /data-tools=\\"getDigest getMessages /)
})

test('it goes on by itself where its Redis does not answer', async (t) => {
  const { origin, output } = await start(t, { REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  assert.equal((await redeem(origin, await freshCode(origin, tenant.api.clientId))).status, 200)
  await eventually(() => output.text.includes('"redis_down"'))
})

test('it serves metrics and sends spans, with what they need in it', async (t) => {
  const receiver = await startReceiver(t)
  const metricsPort = String(await freePort())
  const { origin, stop } = await start(t, { METRICS_PORT: metricsPort, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin })
  await post(origin, toolCall('getMessages', { top: 1 }), await tenant.mint())
  assert.equal((await scrape(metricsPort)).sum('message_center_mcp_calls_total', { outcome: 'ok' }), 1)
  stop()
  await eventually(() => receiver.spans.some(({ name }) => name === 'tools/call getMessages'), 10_000)
})
