import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { closeQueuedResponses } from '../../../src/plugins/load-shedding/queued-responses.ts'
import { eventually } from '../../helper.ts'

/** A server that answers everything but `/slow`, and a connection that asks for the paths at once. */
async function pipeline(t: TestContext, paths: readonly string[]) {
  const asked: string[] = []
  const closed: string[] = []
  let answerSlow = () => {}
  const server = createServer(({ url = '' }, response) => {
    asked.push(url)
    response.on('close', () => closed.push(url))
    if (url === '/slow') answerSlow = () => response.end()
    else response.end()
  })
  closeQueuedResponses(server)
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => client.destroy())
  client.resume().write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`).join(''))
  await eventually(() => asked.length === paths.length)
  return { client, closed, answerSlow }
}

const paths = ['/slow', ...Array.from({ length: 50 }, (_, i) => `/${i}`)]

test('responses that wait for their turn close with their connection, each once', async (t) => {
  const { client, closed } = await pipeline(t, paths)
  assert.deepEqual(closed, [])
  client.destroy()
  await eventually(() => closed.length >= paths.length)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(closed.toSorted(), paths.toSorted())
})

test('those that had their turn do not close again with their connection', async (t) => {
  const { client, closed, answerSlow } = await pipeline(t, paths)
  answerSlow()
  await eventually(() => closed.length === paths.length)
  client.destroy()
  await once(client, 'close')
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(closed, paths)
})
