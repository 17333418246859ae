import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import { type Bounds, TransportError } from '../../src/lib/bounded-client.ts'
import { createPublicClient, internet, isPublicAddress, type Network } from '../../src/lib/public-client.ts'
import { eventually } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startClientHost } from '../sign-in-helper.ts'

const ranges: readonly [name: string, addresses: readonly string[]][] = [
  ['loopback', ['127.0.0.1', '127.0.0.53', '127.255.255.255', '::1']],
  ['private', ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255']],
  ['link-local, where clouds keep their metadata', ['169.254.169.254', '169.254.0.1', '169.254.255.255']],
  ['link-local IPv6', ['fe80::1', 'febf:ffff::1', 'fe80::a9fe:a9fe', 'fe80::1%eth0']],
  ['shared by a carrier’s customers', ['100.64.0.1', '100.100.100.200', '100.127.255.255']],
  ['unique local', ['fc00::1', 'fd00::1', 'fd00:ec2::254', 'fdff:ffff::1']],
  ['site-local', ['fec0::1', 'feff::1']],
  ['unspecified, or of this network', ['0.0.0.0', '0.0.0.1', '0.255.255.255', '::']],
  ['broadcast', ['255.255.255.255']],
  ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1']],
  ['reserved', ['192.0.0.1', '192.0.0.170', '240.0.0.1', '255.255.255.254', '192.88.99.1']],
  ['reserved IPv6', ['200::1', '3fff::1', '4000::1', '8000::1', 'e000::1', 'fe00::1', '1:2:3:4:5:6:7:8']],
  ['for documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1']],
  ['for benchmarks', ['198.18.0.1', '198.19.255.255', '2001:2::1']],
  ['for discarding', ['100::1']],
  ['IPv4 in IPv6', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:169.254.169.254', '::ffff:20.20.20.20']],
  ['IPv4 in the old way', ['::127.0.0.1', '::a9fe:a9fe', '::20.20.20.20']],
  ['IPv4 translated', ['::ffff:0:127.0.0.1', '::ffff:0:7f00:1']],
  ['NAT64', ['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::1414:1414', '64:ff9b:1::1']],
  ['6to4', ['2002:7f00:1::1', '2002:a9fe:a9fe::1', '2002:1414:1414::1']],
  ['Teredo', ['2001::1', '2001:0:7f00:1::1']],
  ['ORCHID', ['2001:10::1', '2001:20::1']],
  ['AS112 or AMT', ['192.31.196.1', '192.175.48.1', '192.52.193.1', '2001:4:112::1', '2620:4f:8000::1']],
]
for (const [name, addresses] of ranges) {
  test(`an address that is ${name} is not public`, () => {
    for (const address of addresses) assert.equal(isPublicAddress(address), false, address)
  })
}

test('addresses of the internet are public', () => {
  for (const address of [
    '20.20.20.20',
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.255.255',
    '169.255.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.255.255',
    '192.169.0.1',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '2A00:1450:4001:81B::2004',
    '2603:1030:a:b::1',
  ]) {
    assert.equal(isPublicAddress(address), true, address)
  }
})

test('what is no address is not public', () => {
  for (const text of [
    '',
    ' ',
    'client.example',
    'localhost',
    '20.20.20.20.',
    '20.20.20.256',
    '20.20.20.20:443',
    '20.20.20.20/32',
    ' 20.20.20.20',
    '20.20.20.20\n',
    '20.20.20.20%eth0',
    '[2606:4700:4700::1111]',
    '2606:4700:4700::1111::1',
    '2606:4700:4700::11111',
    '::ffff:20.20.20.256',
    'null',
  ]) {
    assert.equal(isPublicAddress(text), false, JSON.stringify(text))
  }
})

test('an address written in a way that others read as another is not public', () => {
  for (const text of ['127.1', '0x7f.1', '2130706433', '0177.0.0.1', '010.0.0.1', '012.1.1.1', '0x08080808']) {
    assert.equal(isPublicAddress(text), false, text)
  }
})

const bounds: Bounds = { connectTimeoutMs: 2_000, deadlineMs: 5_000, maxBodyBytes: 5 * 1024, connections: 1 }

function clientOf(t: TestContext, network: Network | undefined, own: Partial<Bounds> = {}) {
  const http = createPublicClient({ ...bounds, ...own }, network)
  t.after(() => http.close())
  return {
    get: (url: string) => http.request({ method: 'GET', url }),
    failure: async (url: string) => {
      const error: unknown = await http.request({ method: 'GET', url }).then(
        ({ status }) => assert.fail(`It responded with ${status}`),
        (cause) => cause,
      )
      assert.ok(error instanceof TransportError, `${error} is no TransportError`)
      return error
    },
  }
}

/** Every error on the way to the first. */
function causesOf(error: unknown): string {
  return error instanceof Error
    ? `${error.message} ${(error as NodeJS.ErrnoException).code} ${causesOf(error.cause)}`
    : ''
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const document: Handler = (_request, response) => response.end('{}')

let serve = document
/** One host for the file: making a certificate takes its time. */
const host = await startClientHost(file, (request, response) => serve(request, response))

/** The host as a test wants it, with every resolved name noted. */
function hostWith(own = document) {
  serve = own
  host.addresses = ['20.20.20.20']
  host.requests.length = 0
  host.dialled.length = 0
  const resolved: string[] = []
  const network: Network = {
    resolve: (hostname) => {
      resolved.push(hostname)
      return host.network.resolve(hostname)
    },
    dial: host.network.dial,
  }
  return { resolved, network }
}

/** A TCP server on which a connection never becomes secure unless a test makes it so. */
async function startPlainServer(t: TestContext, onConnection: (socket: Socket) => void = () => {}) {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket
      .resume()
      .on('error', () => {})
      .on('close', () => sockets.delete(socket))
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const network: Network = {
    resolve: async () => ['20.20.20.20'],
    dial: ({ servername }) => connect({ host: '127.0.0.1', port, servername }),
  }
  return {
    port,
    network,
    get connections() {
      return connections
    },
    get open() {
      return sockets.size
    },
  }
}

test('a name is resolved once, the checked address is dialled, and the certificate has to carry the name', async (t) => {
  const { resolved, network } = hostWith()
  host.addresses = ['20.20.20.20', '2606:4700:4700::1111']
  const { status, body } = await clientOf(t, network).get('https://client.example/client.json?a=b')
  assert.deepEqual([status, body], [200, '{}'])
  assert.deepEqual(resolved, ['client.example'])
  assert.deepEqual(host.dialled, [{ address: '20.20.20.20', servername: 'client.example' }])
  assert.equal(host.requests[0]?.url, '/client.json?a=b')
  assert.equal(host.requests[0]?.headers.host, 'client.example')
})

test('the port of the URL is dialled, and 443 where it names none', async (t) => {
  hostWith()
  const ports: number[] = []
  const network: Network = {
    resolve: host.network.resolve,
    dial: (destination) => {
      ports.push(destination.port)
      return host.network.dial(destination)
    },
  }
  const { get } = clientOf(t, network)
  await get('https://client.example/x')
  await get('https://client.example:8443/x')
  assert.deepEqual(ports, [443, 8443])
})

for (const [name, addresses] of [
  ['has no address', []],
  ['is at a loopback address', ['127.0.0.1']],
  ['is at the metadata address of a cloud', ['169.254.169.254']],
  ['is at a private address after a public one', ['20.20.20.20', '10.0.0.1']],
  ['is at a private address before a public one', ['10.0.0.1', '20.20.20.20']],
  ['is at a loopback IPv6 address beside public ones', ['20.20.20.20', '2606:4700:4700::1111', '::1']],
  ['is at an IPv4 address in IPv6', ['::ffff:127.0.0.1']],
  ['is at what is no address', ['localhost']],
] as const) {
  test(`a host that ${name} is not dialled`, async (t) => {
    const { network } = hostWith()
    host.addresses = addresses
    const failure = await clientOf(t, network).failure('https://client.example/x')
    assert.equal(failure.kind, 'unreachable')
    assert.match(causesOf(failure), /not on the public internet/)
    assert.deepEqual(host.dialled, [])
  })
}

test('a name that leads elsewhere at the next connection is checked again', async (t) => {
  const { resolved, network } = hostWith((_request, response) =>
    response.writeHead(200, { connection: 'close' }).end('{}'),
  )
  const { get, failure } = clientOf(t, network)
  assert.equal((await get('https://client.example/x')).status, 200)
  host.addresses = ['127.0.0.1']
  assert.equal((await failure('https://client.example/x')).kind, 'unreachable')
  assert.deepEqual(resolved, ['client.example', 'client.example'])
  assert.equal(host.dialled.length, 1)
})

test('http is not spoken, and no name resolved for it', async (t) => {
  const { resolved, network } = hostWith()
  const failure = await clientOf(t, network).failure('http://client.example/x')
  assert.equal(failure.kind, 'unreachable')
  assert.match(causesOf(failure), /Only https/)
  assert.deepEqual([resolved, host.dialled], [[], []])
})

test('a certificate of another name is rejected, and nothing is asked', async (t) => {
  const { network } = hostWith()
  const failure = await clientOf(t, network).failure('https://other.example/x')
  assert.equal(failure.kind, 'unreachable')
  assert.match(causesOf(failure), /ERR_TLS_CERT_ALTNAME_INVALID/)
  assert.deepEqual(host.requests, [])
})

test('a name that cannot be resolved is unreachable', async (t) => {
  hostWith()
  const resolve = () => Promise.reject(new Error('ENOTFOUND'))
  const failure = await clientOf(t, { ...host.network, resolve }).failure('https://client.example/x')
  assert.equal(failure.kind, 'unreachable')
  assert.deepEqual(host.dialled, [])
})

test('a name that takes for ever to resolve ends with the call', { timeout: 5_000 }, async (t) => {
  hostWith()
  let giveUp: (addresses: readonly string[]) => void = () => {}
  const resolve = () =>
    new Promise<readonly string[]>((end) => {
      giveUp = end
    })
  t.after(() => giveUp([]))
  const client = clientOf(t, { ...host.network, resolve }, { connectTimeoutMs: 100, deadlineMs: 200 })
  const started = performance.now()
  assert.notEqual((await client.failure('https://client.example/x')).kind, 'cancelled')
  assert.ok(performance.now() - started < 2_000)
  assert.deepEqual(host.dialled, [])
})

test('a connection that never becomes secure is given up in bounded time', { timeout: 5_000 }, async (t) => {
  const server = await startPlainServer(t)
  const started = performance.now()
  const failure = await clientOf(t, server.network, { connectTimeoutMs: 100 }).failure('https://client.example/x')
  const ms = performance.now() - started
  assert.equal(failure.kind, 'unreachable')
  assert.match(causesOf(failure), /Connection timed out/)
  assert.ok(ms > 80 && ms < 2_000, `${ms} ms`)
  assert.equal(server.connections, 1)
  await eventually(() => server.open === 0)
})

test('a call whose deadline is shorter than that ends by it, and its connection too', { timeout: 5_000 }, async (t) => {
  const server = await startPlainServer(t)
  const client = clientOf(t, server.network, { connectTimeoutMs: 500, deadlineMs: 100 })
  assert.equal((await client.failure('https://client.example/x')).kind, 'timeout')
  await eventually(() => server.open === 0)
})

for (const [name, onConnection] of [
  ['closes', (socket) => socket.end()],
  ['resets', (socket) => socket.resetAndDestroy()],
  ['speaks plain HTTP', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')],
] as const satisfies readonly [string, (socket: Socket) => void][]) {
  test(`a host that ${name} instead of becoming secure is unreachable at once`, async (t) => {
    const server = await startPlainServer(t, onConnection)
    const failure = await clientOf(t, server.network, { connectTimeoutMs: 60_000 }).failure('https://client.example/x')
    assert.equal(failure.kind, 'unreachable')
    await eventually(() => server.open === 0)
  })
}

test('a response that is too large is cut off', async (t) => {
  const { network } = hostWith((_request, response) => response.end('x'.repeat(bounds.maxBodyBytes + 1)))
  assert.equal((await clientOf(t, network).failure('https://client.example/x')).kind, 'too_large')
})

test('a response as large as is allowed is whole', async (t) => {
  const { network } = hostWith((_request, response) => response.end('x'.repeat(bounds.maxBodyBytes)))
  assert.equal((await clientOf(t, network).get('https://client.example/x')).body.length, bounds.maxBodyBytes)
})

test('a response that drips ends with the deadline', async (t) => {
  const { network } = hostWith((_request, response) => {
    response.writeHead(200)
    const timer = setInterval(() => response.write(' '), 10)
    response.on('close', () => clearInterval(timer))
  })
  const started = performance.now()
  assert.equal((await clientOf(t, network, { deadlineMs: 500 }).failure('https://client.example/x')).kind, 'timeout')
  assert.ok(performance.now() - started < 3_000)
})

test('a redirect is a response, and nobody follows it', async (t) => {
  const { resolved, network } = hostWith((_request, response) =>
    response.writeHead(302, { location: 'https://169.254.169.254/metadata' }).end(),
  )
  const { status, headers } = await clientOf(t, network).get('https://client.example/x')
  assert.deepEqual([status, headers['location']], [302, 'https://169.254.169.254/metadata'])
  assert.deepEqual([resolved.length, host.requests.length], [1, 1])
})

for (const host of ['localhost', '127.0.0.1', '[::1]', '127.1', '2130706433', '[::ffff:127.0.0.1]', '0.0.0.0']) {
  test(`by way of the internet, ${host} is not connected to`, async (t) => {
    const server = await startPlainServer(t)
    assert.equal((await clientOf(t, undefined).failure(`https://${host}:${server.port}/x`)).kind, 'unreachable')
    assert.equal(server.connections, 0)
  })
}

test('by way of the internet, a certificate that nobody vouches for is rejected', async (t) => {
  hostWith()
  const port = await new Promise<number>((resolve) => {
    const probe = host.network.dial({ address: '20.20.20.20', port: 443, servername: 'client.example' })
    probe.once('connect', () => {
      resolve(probe.remotePort ?? 0)
      probe.destroy()
    })
  })
  const network: Network = {
    resolve: async () => ['20.20.20.20'],
    dial: (destination) => internet.dial({ ...destination, address: '127.0.0.1', port }),
  }
  const failure = await clientOf(t, network).failure('https://client.example/x')
  assert.equal(failure.kind, 'unreachable')
  assert.match(causesOf(failure), /SELF_SIGNED_CERT/)
  assert.deepEqual(host.requests, [])
})

test('closing ends the call that is being connected, and its connection once that is given up', async (t) => {
  const server = await startPlainServer(t)
  const http = createPublicClient({ ...bounds, connectTimeoutMs: 500, deadlineMs: 60_000 }, server.network)
  const call = assert.rejects(http.request({ method: 'GET', url: 'https://client.example/x' }), TransportError)
  await eventually(() => server.connections === 1)
  await http.close()
  await call
  await eventually(() => server.open === 0)
})
