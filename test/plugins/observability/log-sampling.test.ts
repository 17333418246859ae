import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { EventName } from '../../../src/plugins/observability/audit.ts'
import { createLogSampling, type Omitted } from '../../../src/plugins/observability/log-sampling.ts'
import { freePort, listen, mcpHeaders } from '../../helper.ts'
import { scrape } from '../../scrape.ts'

function admitted(event: EventName, fields: object, times = 30) {
  const omitted: Omitted[] = []
  const sampling = createLogSampling((one) => omitted.push(one))
  const written = Array.from({ length: times }, () => sampling.admits(event, fields)).filter(Boolean).length
  sampling.close()
  return { written, omitted }
}

const rationed: readonly [event: EventName, fields: object, what: string][] = [
  ['request', { status: 400 }, '400'],
  ['request', { status: 401 }, '401'],
  ['request', { status: 404 }, '404'],
  ['request', { status: 429 }, '429'],
  ['request', { status: 499 }, '499'],
  ['request', { status: 503 }, '503'],
  ['auth_failure', { reason: 'missing_token' }, 'missing_token'],
  ['sign_in_failure', { reason: 'client_unknown' }, 'client_unknown'],
  ['rate_limit', { by: 'address' }, 'address'],
  ['failure', { reason: 'keys_unavailable' }, 'keys_unavailable'],
]
for (const [event, fields, what] of rationed) {
  test(`ten lines of ${event} ${what} are written in a second, and the others told of once`, () => {
    assert.deepEqual(admitted(event, fields), { written: 10, omitted: [{ of: event, what, lines: 20 }] })
    assert.deepEqual(admitted(event, fields, 10), { written: 10, omitted: [] })
  })
}

const always: readonly [event: EventName, fields: object][] = [
  ['request', { status: 200 }],
  ['request', { status: 302 }],
  ['graph_call', { status: 403 }],
  ['auth_success', {}],
  ['obo_failure', { reason: 'access_blocked' }],
  ['token_issued', {}],
  ['consent_denied', {}],
]
for (const [event, fields] of always) {
  test(`every line of ${event} ${JSON.stringify(fields)} is written`, () => {
    assert.deepEqual(admitted(event, fields), { written: 30, omitted: [] })
  })
}

test('one kind does not use up what another may have', () => {
  const omitted: Omitted[] = []
  const sampling = createLogSampling((one) => omitted.push(one))
  for (let i = 0; i < 30; i++) sampling.admits('auth_failure', { reason: 'missing_token' })
  assert.ok(sampling.admits('auth_failure', { reason: 'bad_signature' }))
  assert.ok(sampling.admits('request', { status: 401 }))
  sampling.close()
  assert.deepEqual(omitted, [{ of: 'auth_failure', what: 'missing_token', lines: 20 }])
})

test('the next second has its own ten', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const omitted: Omitted[] = []
  const sampling = createLogSampling((one) => omitted.push(one))
  const ask = () => sampling.admits('rate_limit', { by: 'address' })
  const written = () => Array.from({ length: 12 }, ask).filter(Boolean).length
  assert.deepEqual([written(), written()], [10, 0])
  t.mock.timers.tick(1_000)
  assert.deepEqual(omitted, [{ of: 'rate_limit', what: 'address', lines: 14 }])
  assert.equal(written(), 10)
})

test('a flood of requests without a token leaves few lines, and metrics count each', async (t) => {
  const metricsPort = await freePort()
  const { app, origin, logs } = await listen(t, { LOG_LEVEL: 'info', METRICS_PORT: String(metricsPort) })
  await Promise.all(
    Array.from({ length: 300 }, () =>
      fetch(`${origin}/mcp`, { method: 'POST', headers: mcpHeaders(), body: '{}' }).then((answer) => answer.text()),
    ),
  )
  const linesOf = (name: string) => logs.filter(({ event }) => event === name).length
  const omitted = () =>
    logs
      .filter(({ event, of }) => event === 'lines_omitted' && of === 'auth_failure')
      .reduce((sum, { lines }) => sum + Number(lines), 0)
  const { sum } = await scrape(metricsPort)
  await app.close()
  assert.equal(linesOf('auth_failure') + omitted(), 300)
  assert.ok(linesOf('auth_failure') < 100, String(linesOf('auth_failure')))
  assert.equal(sum('message_center_auth_total', { outcome: 'missing_token' }), 300)
  assert.equal(sum('message_center_http_requests_total', { route: '/mcp', status: '401' }), 300)
})

test('so does a flood of what is no HTTP at all', async (t) => {
  const { app, origin, logs } = await listen(t, { LOG_LEVEL: 'info' })
  const { port, hostname } = new URL(origin)
  for (let i = 0; i < 30; i++) {
    const socket = connect(Number(port), hostname).end('GARBAGE\r\n\r\n').resume()
    await once(socket, 'close')
  }
  await app.close()
  const lines = logs.filter(({ event, method }) => event === 'request' && method === 'none').length
  const omitted = logs.filter(({ event, of }) => event === 'lines_omitted' && of === 'request')
  assert.equal(lines + omitted.reduce((sum, { lines }) => sum + Number(lines), 0), 30)
  assert.ok(lines < 30, String(lines))
})
