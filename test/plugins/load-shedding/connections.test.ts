import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { connections, connectionsFor } from '../../../src/plugins/load-shedding/connections.ts'
import { eventually } from '../../helper.ts'

/** A server that responds to everything but `/slow`, and a connection that asks for the paths at once. */
async function pipeline(t: TestContext, paths: readonly string[]) {
  const handled: string[] = []
  const closed: string[] = []
  let respondSlow = () => {}
  const slow = new Promise<string>((resolve) => {
    respondSlow = () => resolve('slow')
  })
  const app = Fastify()
  t.after(() => app.close())
  await app.register(connections)
  app.get('/*', ({ url }, reply) => {
    handled.push(url)
    reply.raw.once('close', () => closed.push(url))
    return url === '/slow' ? slow : url
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = connect((app.server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8')
  t.after(() => client.destroy())
  let received = ''
  client.on('data', (text) => {
    received += text
  })
  client.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`).join(''))
  return { client, handled, closed, received: () => received, respondSlow }
}

const requests = (count: number) => ['/slow', ...Array.from({ length: count - 1 }, (_, i) => `/${i}`)]

test('sixteen pipelined requests are served, in their order', async (t) => {
  const paths = requests(16)
  const { received, handled, respondSlow } = await pipeline(t, paths)
  await eventually(() => handled.length === paths.length)
  respondSlow()
  await eventually(() => received().split('HTTP/1.1 200').length === paths.length + 1)
})

test('a connection with more unanswered requests is closed, and none of the further ones is handled', async (t) => {
  const { client, handled } = await pipeline(t, requests(2_500))
  client.on('error', () => {})
  await eventually(() => client.closed)
  assert.deepEqual(handled, requests(16))
})

test('requests that have their response count no longer', async (t) => {
  const { client, handled, received } = await pipeline(t, requests(17).slice(1))
  for (let i = 0; i < 5; i++) {
    await eventually(() => received().split('HTTP/1.1 200').length === 16 * (i + 1) + 1)
    client.write(
      requests(17)
        .slice(1)
        .map((path) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
        .join(''),
    )
  }
  await eventually(() => handled.length === 96)
})

test('responses that wait for their turn close with their connection, each once', async (t) => {
  const paths = requests(16)
  const { client, handled, closed } = await pipeline(t, paths)
  await eventually(() => handled.length === paths.length)
  assert.deepEqual(closed, [])
  client.destroy()
  await eventually(() => closed.length >= paths.length)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(closed.toSorted(), paths.toSorted())
})

test('those that had their turn do not close again with their connection', async (t) => {
  const paths = requests(16)
  const { client, handled, closed, respondSlow } = await pipeline(t, paths)
  await eventually(() => handled.length === paths.length)
  respondSlow()
  await eventually(() => closed.length === paths.length)
  client.destroy()
  await once(client, 'close')
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(closed, paths)
})

for (const [openFiles, expected] of [
  [Number.POSITIVE_INFINITY, 10_000],
  [1_048_576, 10_000],
  [1_024, 768],
  [128, 64],
] as const) {
  test(`of ${openFiles} descriptors, ${expected} are for connections`, () =>
    assert.equal(connectionsFor(openFiles), expected))
}
