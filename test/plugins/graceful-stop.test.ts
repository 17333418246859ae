import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { gracefulStop } from '../../src/plugins/graceful-stop/index.ts'
import { eventually } from '../helper.ts'

/** The plugin on a server with one quick route and one that responds when the test lets it. */
async function build(t: TestContext) {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(gracefulStop)
  let calls = 0
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  app.get('/quick', () => 'quick')
  app.post('/body', () => 'whole')
  app.get('/slow', async () => {
    calls++
    await released
    return 'slow'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo

  /** A connection as a client keeps it: it never closes by itself. */
  async function open() {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    t.after(() => socket.destroy())
    let received = ''
    let isClosed = false
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('close', () => {
      isClosed = true
    })
    await once(socket, 'connect')
    return {
      send: (text: string) => socket.write(text),
      ask: (path: string) => socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`),
      destroy: () => socket.destroy(),
      received: () => received,
      isClosed: () => isClosed,
    }
  }
  return { app, open, release: () => release(), calls: () => calls }
}

test('while nobody stops it, a connection is kept', async (t) => {
  const { app, open } = await build(t)
  const client = await open()
  client.ask('/quick')
  await eventually(() => client.received().endsWith('quick'))
  assert.equal(app.stopping, false)
  assert.match(client.received(), /connection: keep-alive/i)
  assert.equal(client.isClosed(), false)
})

test('a call in flight gets its response, and then everything ends', async (t) => {
  const { app, open, release, calls } = await build(t)
  const client = await open()
  client.ask('/slow')
  await eventually(() => calls() === 1)
  let isOver = false
  const closing = app.close().then(() => {
    isOver = true
  })
  await eventually(() => app.stopping)
  assert.equal(isOver, false)
  assert.equal(client.isClosed(), false)
  release()
  await closing
  await eventually(client.isClosed)
  assert.match(client.received(), /connection: close[\s\S]*slow$/i)
})

test('a connection without a request, or with one that has its response, does not hold up the end', async (t) => {
  const { app, open } = await build(t)
  const [silent, served] = [await open(), await open()]
  served.ask('/quick')
  await eventually(() => served.received().endsWith('quick'))
  await app.close()
  await eventually(() => silent.isClosed() && served.isClosed())
})

test('a client that went away in its call is not waited for', async (t) => {
  const { app, open, calls } = await build(t)
  const [gone, silent] = [await open(), await open()]
  gone.ask('/slow')
  await eventually(() => calls() === 1)
  gone.destroy()
  await app.close()
  await eventually(silent.isClosed)
})

test('a body that does not arrive is not waited for, and one that does has its response', async (t) => {
  const { app, open } = await build(t)
  const [half, whole] = [await open(), await open()]
  const head = 'POST /body HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\n'
  half.send(`${head}ab`)
  whole.send(`${head}ab`)
  await new Promise((resolve) => setTimeout(resolve, 50))
  const closing = app.close()
  await eventually(() => app.stopping)
  whole.send('cd')
  await eventually(half.isClosed).finally(half.destroy)
  await closing
  assert.match(whole.received(), /whole$/)
  assert.equal(half.received(), '')
})
