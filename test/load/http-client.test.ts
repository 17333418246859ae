import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createCall, getMessages } from '../../load/calls.ts'
import { createHttpClient } from '../../load/http-client.ts'

const user = { token: 'header.claims.signature', reader: undefined }
const call = createCall(user, getMessages())
const correct = JSON.stringify({ jsonrpc: '2.0', id: call.id, result: { structuredContent: {} } })

async function send(t: TestContext, listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = createHttpClient(`http://127.0.0.1:${port}/mcp`, { connections: 1, timeoutMs: 60_000 })
  t.after(async () => {
    await client.close()
    server.closeAllConnections()
    server.close()
  })
  return client.send(call)
}

test('a call is sent with its user’s token, and its response checked', async (t) => {
  let authorization: string | undefined
  const outcome = await send(t, (request, response) => {
    authorization = request.headers.authorization
    response.end(correct)
  })
  assert.deepEqual(outcome, { verdict: { kind: 'correct' }, bytes: correct.length })
  assert.equal(authorization, `Bearer ${user.token}`)
})

test('a call whose connection ends without a response has failed', async (t) => {
  const outcome = await send(t, (request) => request.socket.destroy())
  assert.equal(outcome.verdict.kind, 'failed')
  assert.equal(outcome.bytes, 0)
})

for (const status of [429, 503]) {
  test(`a ${status} with Retry-After says when to retry`, async (t) => {
    const { verdict, retryAfterMs } = await send(t, (_, response) =>
      response.writeHead(status, { 'retry-after': '2' }).end(),
    )
    assert.deepEqual(verdict, { kind: 'failed', error: `HTTP ${status}` })
    assert.equal(retryAfterMs, 2_000)
  })
}

test('a 500 is not retried, whatever it says', async (t) => {
  const { retryAfterMs } = await send(t, (_, response) => response.writeHead(500, { 'retry-after': '2' }).end())
  assert.equal(retryAfterMs, undefined)
})
