import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { timeouts } from '../../src/config/timeouts.ts'
import { eventually, listen, mcpHeaders, toolCall } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** More than the buffers of both ends of a connection take. */
const body = { contentType: 'html', content: '<p>A change</p>\n'.repeat(1_000) }
const value = Array.from({ length: 600 }, (_, i) => ({ id: `MC${1_000_000 + i}`, body }))

const tenant = await startEmulator()
file.after(() => tenant.close())

test('who does not read a large response loses it, and the next one is read', async (t) => {
  tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body: { value } })
  const { origin, logs } = await listen(t, {}, tenant, { config: { timeouts: { ...timeouts, stalledMs: 150 } } })
  const token = await tenant.mint()
  const ask = (skip: number) => toolCall('getMessages', { top: 1000, body: 'html', skip })

  const stalled = request(`${origin}/mcp`, { method: 'POST', headers: mcpHeaders(token) })
  stalled.on('error', () => {})
  stalled.end(JSON.stringify(ask(1)))
  const [answer] = (await once(stalled, 'response')) as [IncomingMessage]
  answer.on('error', () => {})
  // Its connection would keep the server from closing.
  await eventually(() => logs.some(({ msg }) => msg === 'request broken off')).catch((error) => {
    stalled.destroy()
    throw error
  })
  const { body: read } = await post(origin, ask(2), token)
  const { value: posts } = (read.result?.structuredContent ?? {}) as { value?: unknown[] }
  assert.equal(posts?.length, value.length)
  await assert.rejects(buffer(answer), { code: 'ECONNRESET' })
})
