import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JSONRPCRequest, Server } from '@modelcontextprotocol/server'
import { exchangeOnce } from '../../../src/plugins/mcp/legacy-exchange.ts'

/** An SDK server whose one tool answers when the test lets it. */
function serverOf(work: () => Promise<string>) {
  const server = new Server({ name: 'test', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler('tools/call', async () => ({ content: [{ type: 'text', text: await work() }] }))
  return server
}
const request = (id: string | number, method = 'tools/call'): JSONRPCRequest => ({
  jsonrpc: '2.0',
  id,
  method,
  params: { name: 'any', arguments: {} },
})
const quiet = () => new AbortController().signal

test('one request is one answer, under its id', async () => {
  const answer = await exchangeOnce(
    serverOf(async () => 'done'),
    request('seven'),
    quiet(),
  )
  assert.deepEqual(answer, { jsonrpc: '2.0', id: 'seven', result: { content: [{ type: 'text', text: 'done' }] } })
})

test('an unknown method is a JSON-RPC error under the same id', async () => {
  const answer = await exchangeOnce(
    serverOf(async () => ''),
    request(0, 'no/such'),
    quiet(),
  )
  assert.ok('error' in answer)
  assert.deepEqual([answer.id, answer.error.code], [0, -32601])
})

test('what the server says on the way to its answer is not taken for the answer', async () => {
  const server = serverOf(async () => {
    await server.notification({ method: 'notifications/progress', params: { progressToken: 1, progress: 1 } })
    return 'done'
  })
  const answer = await exchangeOnce(server, request(1), quiet())
  assert.ok('result' in answer)
})

test('a hundred exchanges under one id at once each get their own answer', async () => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      exchangeOnce(
        serverOf(async () => {
          for (let turn = i % 7; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
          return `answer ${i}`
        }),
        request(1),
        quiet(),
      ),
    ),
  )
  for (const [i, answer] of answers.entries()) assert.match(JSON.stringify(answer), new RegExp(`"answer ${i}"`))
})

test('who goes away waits no longer, however long the tool takes', async () => {
  const abort = new AbortController()
  const server = serverOf(() => new Promise(() => {}))
  const exchange = exchangeOnce(server, request(1), abort.signal)
  setImmediate(() => abort.abort())
  await assert.rejects(exchange, { name: 'Failure', reason: 'call_cancelled' })
})
