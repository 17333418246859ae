/**
 * What watching adds to a warm call, in CPU: `node --import tsx load/watch-cost.ts`.
 *
 * Writes the two lines of a warm call (`graph_call`, `request`) through the app's own log to nowhere, then the same with
 * metrics counting them, then makes its spans, which go out as fast as the exporter takes them. Medians of 7 rounds; no HTTP has a part in it.
 */
import { createServer } from 'node:http'
import { Writable } from 'node:stream'
import { startEmulator } from '../emulator/app.ts'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config/index.ts'
import { createTracer } from '../src/plugins/observability/otlp.ts'

const calls = 20_000
const rounds = 7

const tenant = await startEmulator()
const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() })
const env = {
  GRAPH_TENANT_ID: tenant.tenantId,
  GRAPH_CLIENT_ID: tenant.api.clientId,
  GRAPH_CLIENT_SECRET: tenant.api.clientSecret,
  ENTRA_AUTHORITY_HOST: tenant.origin,
  GRAPH_BASE_URL: `${tenant.origin}/v1.0`,
}
const plain = await buildApp(readConfig(env), { logTo: nowhere() })
const counted = await buildApp(readConfig({ ...env, METRICS_PORT: '0' }), { logTo: nowhere() })
const collector = createServer((request, response) => request.resume().on('end', () => response.end()))
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
const address = collector.address()
const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
const traces = {
  endpoint,
  headers: {},
  serviceName: 'measure',
  sampledShare: 1,
  trustsClients: false,
  exportEveryMs: 5_000,
  exportTimeoutMs: 5_000,
}
const tracer = createTracer(traces, () => {})

const ids = { requestId: '0f8fad5b-d9cb-469f-a165-70867728950e', user: 'yyhJokall4R4bR5cR8Cz-9' }
const read = {
  ...ids,
  tool: 'getMessages',
  path: '/admin/serviceAnnouncement/messages',
  attempt: 1,
  ms: 12,
  status: 200,
}
const over = { method: 'POST', route: '/mcp', status: 200, ms: 14.2, rpcMethod: 'tools/call', tool: 'getMessages' }

async function measure(what: string, call: () => void) {
  const costs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage()
    for (let i = 0; i < calls; i++) {
      call()
      // Room for what goes out in the background, as between real calls.
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const { user, system } = process.cpuUsage(start)
    costs.push((user + system) / calls)
  }
  const us = costs.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN
  process.stdout.write(`${what}: ${us.toFixed(1)} µs a call\n`)
}

await measure('the request line alone', () => plain.audit('request', { ...ids, ...over }))
const write = (app: typeof plain) => {
  app.audit('graph_call', read)
  app.audit('request', { ...ids, ...over })
}
await measure('both lines', () => write(plain))
await measure('both lines, counted', () => write(counted))
await measure('the spans of a call, made and queued', () => {
  const span = tracer.server({ parent: undefined, startMs: Date.now() })
  span.call('GET', { 'url.path': read.path }).end({ 'http.response.status_code': 200 })
  span.rename('tools/call getMessages')
  span.end({ ...over })
})

await Promise.all([plain.close(), counted.close(), tracer.close(), tenant.close()])
collector.closeAllConnections()
collector.close()
