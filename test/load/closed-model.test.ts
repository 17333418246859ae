import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { inTurn } from '../../load/calls.ts'
import { runClosedModel } from '../../load/closed-model.ts'
import { createLedger } from '../../load/ledger.ts'

const user = { token: 'header.claims.signature', reader: undefined }

/** Answers each call as an MCP server would, but for every so-manieth, whose connection it ends. */
async function startServer(t: TestContext, { endsEvery = Number.POSITIVE_INFINITY } = {}) {
  const authorizations: (string | undefined)[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    authorizations.push(request.headers.authorization)
    if (authorizations.length % endsEvery === 0) return request.socket.end()
    return response.end(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(text).id, result: { structuredContent: {} } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, authorizations }
}

async function run(url: string, limit: { calls?: number; seconds: number }, signal?: AbortSignal) {
  const ledger = createLedger()
  const next = inTurn([user], () => ({ method: 'tools/call', tool: 'getMessages' }))
  await runClosedModel({ url, connections: 3, timeoutMs: 2_000, next, ledger, ...limit, ...(signal && { signal }) })
  return ledger.close({ name: 'a load', beganSeconds: 0, cpuUsPerCall: 0 })
}

test('as many calls are made as were asked for, each with its user’s token', async (t) => {
  const { url, authorizations } = await startServer(t)
  const { right, failed, wrong } = await run(url, { calls: 50, seconds: 1 })
  assert.deepEqual([right, failed, wrong], [50, 0, 0])
  assert.deepEqual([...new Set(authorizations)], [`Bearer ${user.token}`])
})

test('a call whose connection ends without an answer has failed', async (t) => {
  const { url } = await startServer(t, { endsEvery: 10 })
  const { right, errors } = await run(url, { calls: 60, seconds: 1 })
  assert.ok(right >= 45 && right < 60)
  assert.ok((errors['connection lost'] ?? 0) >= 4, JSON.stringify(errors))
  assert.deepEqual(Object.keys(errors), ['connection lost'])
})

test('it ends when it is told to', async (t) => {
  const { url } = await startServer(t)
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 300)
  const { right, seconds } = await run(url, { seconds: 60 }, abort.signal)
  assert.ok(right > 0 && seconds < 30)
})
