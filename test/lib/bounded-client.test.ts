import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Bounds, createBoundedClient, TransportError } from '../../src/lib/bounded-client.ts'
import { eventually, freePort } from '../helper.ts'

const bounds: Bounds = { connectTimeoutMs: 1_000, deadlineMs: 5_000, maxBodyBytes: 64 * 1024, connections: 4 }

function client(t: TestContext, own: Partial<Bounds> = {}) {
  const http = createBoundedClient({ ...bounds, ...own })
  t.after(() => http.close())
  return http
}

async function listen(t: TestContext, server: Server) {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    // Clients of these tests break off: that is the point.
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    get connections() {
      return connections
    },
    get open() {
      return sockets.size
    },
  }
}
const serve = (t: TestContext, listener: RequestListener) => listen(t, createHttpServer(listener))
/** A server that writes what it likes, once a request has come. */
const serveRaw = (t: TestContext, onData: (socket: Socket) => void) =>
  listen(
    t,
    createTcpServer((socket) => socket.once('data', () => onData(socket))),
  )

async function failureOf(call: Promise<unknown>): Promise<TransportError> {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof TransportError, `${error} is no TransportError`)
    return error
  }
  assert.fail('The call brought a response')
}

test('method, path, headers and body arrive, and status, headers and body come back', async (t) => {
  const { url } = await serve(t, (request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { method, url: path, headers } = request
      response.writeHead(418, { 'x-a': ['1', '2'], 'content-type': 'text/plain' })
      response.end(JSON.stringify({ method, path, given: headers['x-given'], host: headers.host, body }))
    })
  })
  const response = await client(t).request({
    method: 'POST',
    url: `${url}a/b?c=%20d`,
    headers: { 'x-given': 'yes' },
    body: 'héllo',
  })
  assert.equal(response.status, 418)
  assert.deepEqual(response.headers['x-a'], ['1', '2'])
  const expected = { method: 'POST', path: '/a/b?c=%20d', given: 'yes', host: new URL(url).host, body: 'héllo' }
  assert.deepEqual(JSON.parse(response.body), expected)
})

test('a body is UTF-8 however it is cut, and its byte order mark is left out', async (t) => {
  const bytes = Buffer.from('\uFEFF{"title":"Zäune – 柵 🚧"}')
  const { url } = await serve(t, async (_, response) => {
    for (const byte of bytes) {
      response.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    response.end()
  })
  const { body } = await client(t).request({ method: 'GET', url })
  assert.deepEqual(JSON.parse(body), { title: 'Zäune – 柵 🚧' })
})

test('what cannot be sent is unreachable too', async (t) => {
  const http = client(t)
  const headers = { 'x-a': 'two\nlines' }
  assert.equal(
    (await failureOf(http.request({ method: 'GET', url: 'http://127.0.0.1:9/', headers }))).kind,
    'unreachable',
  )
  assert.equal((await failureOf(http.request({ method: 'GET', url: 'nowhere' }))).kind, 'unreachable')
})

test('a redirect is a response, and nobody follows it', async (t) => {
  let elsewhere = 0
  const other = await serve(t, (_request, response) => {
    elsewhere++
    response.end()
  })
  const { url } = await serve(t, (_request, response) => response.writeHead(307, { location: other.url }).end())
  const { status, headers } = await client(t).request({ method: 'GET', url, headers: { authorization: 'Bearer x' } })
  assert.equal(status, 307)
  assert.equal(headers['location'], other.url)
  assert.equal(elsewhere, 0)
})

test('an encoding nobody asked for is not undone', async (t) => {
  const bomb = gzipSync(Buffer.alloc(4 * 1024 * 1024))
  const { url } = await serve(t, (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  )
  const { body } = await client(t).request({ method: 'GET', url })
  assert.ok(body.length <= bomb.length)
})

const endings: readonly [name: string, kind: TransportError['kind'], onData: (socket: Socket) => void][] = [
  ['says nothing', 'timeout', () => {}],
  ['drips headers', 'timeout', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n', 'x-a: b\r\n')],
  [
    'drips a body',
    'timeout',
    (socket) => drip(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n'),
  ],
  ['stops in its body', 'timeout', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx')],
  ['resets at once', 'unreachable', (socket) => socket.resetAndDestroy()],
  ['closes at once', 'unreachable', (socket) => socket.end()],
  [
    'resets in its body',
    'unreachable',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx', () => socket.resetAndDestroy())
    },
  ],
  ['closes in its body', 'unreachable', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx')],
  ['speaks something else', 'unreachable', (socket) => socket.end('SSH-2.0-x\r\n')],
  [
    'responses with two lengths',
    'unreachable',
    (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'),
  ],
  [
    'sends vast headers',
    'unreachable',
    (socket) => socket.end(`HTTP/1.1 200 OK\r\nx-a: ${'x'.repeat(64 * 1024)}\r\n\r\n`),
  ],
  [
    'sends too long a body',
    'too_large',
    (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10001\r\n${'x'.repeat(0x10001)}\r\n`)
    },
  ],
]

function drip(socket: Socket, head: string, drop: string) {
  socket.write(head)
  const timer = setInterval(() => socket.write(drop), 10)
  socket.on('close', () => clearInterval(timer))
}

for (const [name, kind, onData] of endings) {
  test(`a peer that ${name} is ${kind}, in bounded time`, async (t) => {
    const { url } = await serveRaw(t, onData)
    const started = performance.now()
    const deadlineMs = kind === 'timeout' ? 200 : 5_000
    const failure = await failureOf(client(t, { deadlineMs }).request({ method: 'GET', url }))
    const ms = performance.now() - started
    assert.equal(failure.kind, kind)
    assert.ok(ms < 4_000 && (kind !== 'timeout' || ms > 150), `${ms} ms`)
  })
}

test('a response as large as is allowed is whole', async (t) => {
  const { url } = await serve(t, (_request, response) => response.end('x'.repeat(bounds.maxBodyBytes)))
  const { body } = await client(t).request({ method: 'GET', url })
  assert.equal(body.length, bounds.maxBodyBytes)
})

for (const [own, deadlineMs] of [
  [50, 5_000],
  [5_000, 50],
] as const) {
  test(`of a call’s own deadline and the client’s the shorter one counts: ${own}, ${deadlineMs}`, async (t) => {
    const { url } = await serveRaw(t, () => {})
    const started = performance.now()
    const failure = await failureOf(client(t, { deadlineMs }).request({ method: 'GET', url, deadlineMs: own }))
    assert.equal(failure.kind, 'timeout')
    assert.ok(performance.now() - started < 4_000)
  })
}

test('nobody there is unreachable', async (t) => {
  const failure = await failureOf(client(t).request({ method: 'GET', url: `http://127.0.0.1:${await freePort()}/` }))
  assert.equal(failure.kind, 'unreachable')
  assert.ok(failure.cause instanceof Error)
})

test('a caller who is gone already costs no connection', async (t) => {
  const server = await serve(t, (_request, response) => response.end())
  const call = client(t).request({ method: 'GET', url: server.url, signal: AbortSignal.abort() })
  assert.equal((await failureOf(call)).kind, 'cancelled')
  assert.equal(server.connections, 0)
})

for (const [moment, onData] of [
  ['before the response begins', () => {}],
  ['within the headers', (socket) => socket.write('HTTP/1.1 200 OK\r\nx-a: b')],
  ['within the body', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx')],
] as const satisfies readonly [string, (socket: Socket) => void][]) {
  test(`a caller who goes away ${moment} ends the call and its connection`, async (t) => {
    const abort = new AbortController()
    const server = await serveRaw(t, (socket) => {
      onData(socket)
      // What was written has had its way to the client.
      setImmediate(() => setImmediate(() => abort.abort()))
    })
    const failure = await failureOf(client(t).request({ method: 'GET', url: server.url, signal: abort.signal }))
    assert.equal(failure.kind, 'cancelled')
    await eventually(() => server.open === 0)
  })
}

test('a connection serves one call after the other', async (t) => {
  const server = await serve(t, (_request, response) => response.end('x'))
  const http = client(t, { connections: 1 })
  for (let i = 0; i < 10; i++) await http.request({ method: 'GET', url: server.url })
  assert.equal(server.connections, 1)
})

test('calls beyond the pool wait their turn', async (t) => {
  let running = 0
  let most = 0
  const server = await serve(t, async (_request, response) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    response.end('x')
  })
  const http = client(t, { connections: 2 })
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => http.request({ method: 'GET', url: server.url })),
  )
  assert.equal(responses.length, 20)
  assert.ok(most <= 2 && server.connections <= 2, `${most} at once over ${server.connections} connections`)
})

test('one call that hangs does not hold up the next, and its connection is not used again', async (t) => {
  let calls = 0
  const server = await serve(t, (_request, response) => {
    if (++calls > 1) response.end('x')
  })
  const http = client(t, { connections: 1 })
  assert.equal((await failureOf(http.request({ method: 'GET', url: server.url, deadlineMs: 400 }))).kind, 'timeout')
  assert.equal((await http.request({ method: 'GET', url: server.url })).body, 'x')
  assert.equal(server.connections, 2)
})

test('a signal that outlives its calls keeps no listener of theirs', async (t) => {
  let calls = 0
  const { url } = await serve(t, (request, response) => {
    if (++calls % 2 === 0) request.socket.destroy()
    else response.end('x')
  })
  const http = client(t)
  const { signal } = new AbortController()
  for (let i = 0; i < 20; i++) await http.request({ method: 'GET', url, signal }).catch(() => {})
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('closing ends calls in flight and every connection', async (t) => {
  const httpServer = createHttpServer()
  const server = await listen(t, httpServer)
  const http = createBoundedClient(bounds)
  const call = failureOf(http.request({ method: 'GET', url: server.url }))
  await once(httpServer, 'request')
  await http.close()
  assert.equal((await call).kind, 'unreachable')
  await eventually(() => server.open === 0)
  assert.equal((await failureOf(http.request({ method: 'GET', url: server.url }))).kind, 'unreachable')
})
