import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { type Destination, internet, type Network } from '../../src/lib/public-client.ts'
import { eventually, listen, shortTimeouts } from '../helper.ts'
import { authorizationUrl, freshCode, postForm, redeem, redirectUri, startClientHost } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'
import { call, costOf, file, type HttpResponse, startBystander } from './harness.ts'
import { alertOf, assertPage, assertRejected, assertTokens, formOf, leadsTo, openBrowser } from './oauth-harness.ts'

type Respond = (response: ServerResponse, request: IncomingMessage) => void

/** A good document for whatever URL is asked for, and what a test wants different about it. */
function documentFor({ url, headers }: IncomingMessage, more: Readonly<Record<string, unknown>> = {}) {
  return {
    client_id: `https://${headers.host}${url}`,
    client_name: 'Documented',
    redirect_uris: [redirectUri],
    ...more,
  }
}

const json =
  (more: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}): Respond =>
  (response, request) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(documentFor(request, more)))
  }
const cached = { 'cache-control': 'max-age=3600' }

/** The response under a host and path; everything else is a good document. */
const responses = new Map<string, Respond>()
const host = await startClientHost(file, (request, response) => {
  const respond = responses.get(`${request.headers.host}${request.url}`) ?? json()
  respond(response, request)
})

/** Names that have been resolved and addresses that have been dialled, in order. */
const resolved: string[] = []
const dialled: Destination[] = []
/** What a name resolves to, or what happens instead. */
const names = new Map<string, () => Promise<readonly string[]>>()
/** How a name is reached, where that is not the test's own host. */
const ways = new Map<string, (destination: Destination) => Socket>()

const network: Network = {
  resolve: async (hostname) => {
    resolved.push(hostname)
    return (await names.get(hostname)?.()) ?? ['20.20.20.20']
  },
  dial: (destination) => {
    dialled.push(destination)
    const way = ways.get(destination.servername)
    // All names are the same host to the test, and it has a certificate for one.
    return way === undefined ? host.network.dial({ ...destination, servername: 'client.example' }) : way(destination)
  },
}

const tenant = await startEmulator()
file.after(() => tenant.close())
// A proxy before it, so that tests can come from as many addresses as they like.
const { origin } = await listen(file, { TRUST_PROXY: 'loopback' }, tenant, { network })
/** The same server with deadlines that a test can wait for. */
const { origin: hurried } = await listen(file, { TRUST_PROXY: 'loopback' }, tenant, {
  network,
  config: shortTimeouts(300),
})

const toHost = host.network.dial({ address: '', port: 0, servername: 'client.example' })
await once(toHost, 'secureConnect')
const hostPort = toHost.remotePort ?? 0
toHost.destroy()

let documents = 0
/** A document's URL that nothing has been asked for yet, at a host of its own. */
function freshUrl(path = '/client.json'): string {
  documents += 1
  return `https://client-${documents}.example${path}`
}
const keyOf = (url: string) => url.replace('https://', '')

const authorize = (clientId: string, server = origin, overrides: Readonly<Record<string, string>> = {}) =>
  openBrowser(server).go(authorizationUrl(server, clientId, overrides))

let addresses = 0
/** The header by which a trusted proxy says from where a request comes. */
function fromAnotherAddress(): Record<string, string> {
  addresses++
  return { 'x-forwarded-for': `203.0.${addresses >> 8}.${addresses & 255}` }
}

/** Of one address, as Azure Application Gateway names it. */
function fromAnotherPort() {
  addresses++
  return { 'x-forwarded-for': `198.51.100.7:${10_000 + addresses}` }
}

/** A document is rejected, on a page, quickly. */
async function assertDocumentRejected(url: string, { withinMs = 1_500, megabytes = 60 } = {}): Promise<HttpResponse> {
  const { result, ms, megabytes: used } = await costOf(() => authorize(url))
  assertPage(result)
  assert.match(result.text, /client_document_(invalid|unavailable)/)
  assert.ok(ms < withinMs, `it took ${ms} ms`)
  assert.ok(used < megabytes, `it took ${used} MB`)
  return result
}

describe('a client id that is no document’s URL', () => {
  for (const [attack, clientId] of [
    ['http', 'http://client.example/client.json'],
    ['http in capitals', 'HTTP://client.example/client.json'],
    ['https in capitals', 'HTTPS://client.example/client.json'],
    ['another scheme', 'ftp://client.example/client.json'],
    ['a file', 'file:///etc/passwd'],
    ['a script', 'javascript:alert(1)'],
    ['data', 'data:application/json,{}'],
    ['no scheme', '//client.example/client.json'],
    ['no slashes', 'https:client.example/client.json'],
    ['three slashes', 'https:///client.example/client.json'],
    ['no path', 'https://client.example'],
    ['the path / alone', 'https://client.example/'],
    ['a query without a path', 'https://client.example?x'],
    ['an IPv4 host', 'https://127.0.0.1/client.json'],
    ['a public IPv4 host', 'https://20.20.20.20/client.json'],
    ['the metadata service', 'https://169.254.169.254/metadata/instance'],
    ['an IPv4 host as a number', 'https://2130706433/client.json'],
    ['an IPv4 host in hexadecimal', 'https://0x7f.0.0.1/client.json'],
    ['an IPv4 host in octal', 'https://0177.0.0.1/client.json'],
    ['a short IPv4 host', 'https://127.1/client.json'],
    ['an IPv6 host', 'https://[::1]/client.json'],
    ['a public IPv6 host', 'https://[2606:4700::1]/client.json'],
    ['an IPv4-mapped host', 'https://[::ffff:127.0.0.1]/client.json'],
    ['localhost', 'https://localhost/client.json'],
    ['a host without a dot', 'https://intranet/client.json'],
    ['a host with a dot at its end', 'https://client.example./client.json'],
    ['a host in capitals', 'https://CLIENT.example/client.json'],
    ['a host with an escape', 'https://client%2eexample/client.json'],
    ['a host of other letters', 'https://clіent.example/client.json'],
    ['a full-width dot', 'https://client。example/client.json'],
    ['userinfo', 'https://user@client.example/client.json'],
    ['userinfo with a password', 'https://user:pass@client.example/client.json'],
    ['empty userinfo', 'https://@client.example/client.json'],
    ['userinfo that looks like a host', 'https://client.example@evil.example/client.json'],
    ['an @ in the path', 'https://client.example/@client.json'],
    ['a fragment', 'https://client.example/client.json#x'],
    ['an empty fragment', 'https://client.example/client.json#'],
    ['a dot segment', 'https://client.example/./client.json'],
    ['two dots', 'https://client.example/a/../client.json'],
    ['two dots at the end', 'https://client.example/a/..'],
    ['dots with escapes', 'https://client.example/%2e%2e/client.json'],
    ['dots with one escape', 'https://client.example/.%2E/client.json'],
    ['an escaped slash', 'https://client.example/a%2fclient.json'],
    ['an escaped backslash', 'https://client.example/a%5cclient.json'],
    ['a backslash', 'https://client.example\\client.json'],
    ['the default port', 'https://client.example:443/client.json'],
    ['an empty port', 'https://client.example:/client.json'],
    ['port 0x50', 'https://client.example:0x50/client.json'],
    ['port 99999', 'https://client.example:99999/client.json'],
    ['a blank', 'https://client.example/a b'],
    ['a blank before it', ' https://client.example/client.json'],
    ['a tab', 'https://client.example/client\t.json'],
    ['a newline', 'https://client.example/client.json\r\nX-Injected: 1'],
    ['a NUL', 'https://client.example/\0'],
    ['513 characters', `https://client.example/${'x'.repeat(490)}`],
    ['2,049 characters', `https://client.example/${'x'.repeat(2_026)}`],
  ] as const) {
    test(`${attack} → a page, and no name is even looked up`, async () => {
      const before = [resolved.length, dialled.length]
      const response = await authorize(clientId)
      assertPage(response)
      assert.doesNotMatch(response.text, /evil|client\.json|alert\(1/)
      assert.deepEqual([resolved.length, dialled.length], before)
    })

    test(`${attack} is no client at /token either`, async () => {
      const before = resolved.length
      const form = { grant_type: 'authorization_code', code: 'x', code_verifier: 'x', client_id: clientId }
      const response = await postForm(`${origin}/token`, form)
      if (clientId.length > 2_048) assertRejected(response, 'invalid_request')
      else assertRejected(response, 'invalid_client', 401)
      assert.equal(resolved.length, before)
    })
  }
})

describe('a name', () => {
  const publicAddress = '20.20.20.20'
  for (const address of [
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:0:127.0.0.1',
    '::127.0.0.1',
    '::a9fe:a9fe',
    '64:ff9b::127.0.0.1',
    '64:ff9b:1::7f00:1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    '3fff::1',
    '4000::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    'localhost',
    '',
  ]) {
    test(`that resolves to ${address || 'an empty text'} is not dialled`, async () => {
      const url = freshUrl()
      names.set(new URL(url).hostname, async () => [address])
      const before = dialled.length
      await assertDocumentRejected(url)
      assert.equal(dialled.length, before)
    })
  }

  for (const [what, addresses] of [
    ['a public address and loopback', [publicAddress, '127.0.0.1']],
    ['loopback and a public address', ['127.0.0.1', publicAddress]],
    ['a public address and the metadata service', [publicAddress, '20.20.20.21', '169.254.169.254']],
    ['a public address and a private IPv6 one', [publicAddress, 'fd00::1']],
    ['nothing', []],
  ] as const) {
    test(`that resolves to ${what} is not dialled`, async () => {
      const url = freshUrl()
      names.set(new URL(url).hostname, async () => addresses)
      const before = dialled.length
      await assertDocumentRejected(url)
      assert.equal(dialled.length, before)
    })
  }

  test('that does not resolve is rejected', async () => {
    const url = freshUrl()
    names.set(new URL(url).hostname, async () => {
      throw new Error('getaddrinfo ENOTFOUND')
    })
    await assertDocumentRejected(url)
  })

  test('that changes its mind is dialled where it was checked: it is looked up once for each connection', async () => {
    const url = freshUrl()
    const turns = [['20.20.20.20'], ['127.0.0.1']]
    const { hostname } = new URL(url)
    names.set(hostname, async () => turns.shift() ?? ['127.0.0.1'])
    assert.equal((await authorize(url)).status, 200)
    assert.deepEqual(
      dialled.filter(({ servername }) => servername === hostname).map(({ address }) => address),
      ['20.20.20.20'],
    )
    assert.equal(resolved.filter((name) => name === hostname).length, 1)
  })

  test('with a port of its own is dialled at that port, and goes by its own name', async () => {
    const url = freshUrl().replace('.example/', '.example:8443/')
    const response = await authorize(url)
    assert.equal(response.status, 200)
    assert.match(response.text, new RegExp(`not verified</span>[^<]*<strong>${new URL(url).host}</strong>`))
    assert.deepEqual(dialled.at(-1), { address: '20.20.20.20', port: 8443, servername: new URL(url).hostname })
  })

  test('whose certificate is another’s is rejected', async () => {
    const url = freshUrl()
    ways.set(new URL(url).hostname, (destination) => host.network.dial(destination))
    const before = host.requests.length
    await assertDocumentRejected(url)
    assert.equal(host.requests.length, before)
  })

  test('whose certificate nobody vouches for is rejected', async () => {
    const url = freshUrl()
    // The way that the server itself would take, which knows nothing of the test's own authority.
    ways.set(new URL(url).hostname, () =>
      internet.dial({ address: '127.0.0.1', port: hostPort, servername: 'client.example' }),
    )
    await assertDocumentRejected(url)
  })
})

describe('a response', () => {
  const statuses = [201, 202, 204, 206, 300, 400, 401, 403, 404, 410, 418, 429, 500, 502, 503]
  for (const status of statuses) {
    test(`with status ${status} is rejected, good as its document is`, async () => {
      const url = freshUrl()
      responses.set(keyOf(url), (response, request) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(documentFor(request)))
      })
      await assertDocumentRejected(url)
    })
  }

  for (const status of [301, 302, 303, 307, 308]) {
    test(`with status ${status} is not followed, neither elsewhere nor to a good document`, async (t) => {
      const bystander = await startBystander(t)
      for (const location of [
        `${bystander.origin}/client.json`,
        'https://127.0.0.1/x',
        'https://good.example/client.json',
        '/good.json',
      ]) {
        const url = freshUrl()
        responses.set(keyOf(url), (response) => {
          response.writeHead(status, { location, 'content-type': 'application/json' })
          response.end('{}')
        })
        const before = host.requests.length
        await assertDocumentRejected(url)
        assert.equal(host.requests.length, before + 1)
      }
      assert.equal(bystander.received.length, 0)
      assert.equal(resolved.includes('good.example'), false)
    })
  }

  for (const type of [
    'text/html',
    'text/plain',
    'text/json',
    'application/javascript',
    'application/jsonp',
    'application/octet-stream',
    'application/json-seq',
    'text/plain; application/json',
    'application/html, application/json',
    'multipart/form-data',
    '',
  ]) {
    test(`of content type ${type || 'none'} is rejected, good as its document is`, async () => {
      const url = freshUrl()
      responses.set(keyOf(url), (response, request) => {
        response.writeHead(200, type === '' ? {} : { 'content-type': type })
        response.end(JSON.stringify(documentFor(request)))
      })
      await assertDocumentRejected(url)
    })
  }

  for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/vnd.client+json']) {
    test(`of content type ${type} is JSON`, async () => {
      const url = freshUrl()
      responses.set(keyOf(url), json({}, { 'content-type': type }))
      assert.equal((await authorize(url)).status, 200)
    })
  }

  for (const [attack, body] of Object.entries<string | Buffer>({
    'an HTML page': '<!doctype html><script>alert(1)</script>',
    nothing: '',
    'a text': '"https://client.example/client.json"',
    null: 'null',
    'a number': '1',
    'an array': '[]',
    'an empty object': '{}',
    'half a document': '{"client_id":"https://client.example/client.json","redirect_uris":["http://127',
    'arrays, 2,000 deep': '['.repeat(2_000),
    'arrays, 2,000 deep and closed': '['.repeat(2_000) + ']'.repeat(2_000),
    noise: Buffer.from([0, 255, 254, 1, 2]),
  })) {
    test(`that holds ${attack} is rejected`, async () => {
      const url = freshUrl()
      responses.set(keyOf(url), (response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(body)
      })
      const { text } = await assertDocumentRejected(url)
      assert.doesNotMatch(text, /SyntaxError|alert\(1\)|JSON\.parse|at position/)
    })
  }

  for (const [attack, more] of Object.entries<Readonly<Record<string, unknown>>>({
    'names another client': { client_id: 'https://client.example/other.json' },
    'names another host': { client_id: 'https://evil.example/client.json' },
    'names no client': { client_id: undefined },
    'names the configured client': { client_id: tenant.api.clientId },
    'names its client in a list': { client_id: ['https://client.example/client.json'] },
    'names the client in other case': { client_id: 'HTTPS://client.example/client.json' },
    'holds a secret': { client_secret: 'x' },
    'holds an empty secret': { client_secret: '' },
    'says when its secret expires': { client_secret_expires_at: 0 },
    'proves itself by a secret': { token_endpoint_auth_method: 'client_secret_basic' },
    'proves itself by a secret in the form': { token_endpoint_auth_method: 'client_secret_post' },
    'proves itself by a key': { token_endpoint_auth_method: 'private_key_jwt' },
    'proves itself by a list': { token_endpoint_auth_method: ['none'] },
    'has no redirect URI': { redirect_uris: undefined },
    'has an empty list of redirect URIs': { redirect_uris: [] },
    'has a text for a list': { redirect_uris: redirectUri },
    'has an object for a list': { redirect_uris: { 0: redirectUri, length: 1 } },
    'has no redirect URI on the list': { redirect_uris: ['https://evil.example/callback'] },
    'has a script as redirect URI': { redirect_uris: ['javascript:alert(1)'] },
    'has redirect URIs that are no texts': { redirect_uris: [[redirectUri], { href: redirectUri }, 1, null] },
  })) {
    test(`that ${attack} is rejected`, async () => {
      const url = freshUrl()
      responses.set(keyOf(url), json(more))
      await assertDocumentRejected(url)
    })
  }

  test('that says __proto__ pollutes nothing', async () => {
    const url = freshUrl()
    responses.set(keyOf(url), (response, request) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        `{"__proto__":{"polluted":1,"redirect_uris":["${redirectUri}"]},"client_id":"https://${request.headers.host}${request.url}"}`,
      )
    })
    await assertDocumentRejected(url)
    const untouched: Record<string, unknown> = {}
    assert.equal(untouched['polluted'], undefined)
  })

  test('that lists a hostile redirect URI beside an honest one is good for the honest one alone', async () => {
    const url = freshUrl()
    responses.set(keyOf(url), json({ redirect_uris: ['https://evil.example/callback', redirectUri] }, cached))
    assert.equal((await authorize(url)).status, 200)
    assertPage(await authorize(url, origin, { redirect_uri: 'https://evil.example/callback' }))
  })

  test('as large as 5 KB is taken, and a byte more is rejected', async () => {
    const sized =
      (bytes: number): Respond =>
      (response, request) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify(documentFor(request)).padEnd(bytes))
      }
    const [fits, exceeds] = [freshUrl(), freshUrl()]
    responses.set(keyOf(fits), sized(5 * 1024))
    responses.set(keyOf(exceeds), sized(5 * 1024 + 1))
    assert.equal((await authorize(fits)).status, 200)
    await assertDocumentRejected(exceeds)
  })

  for (const [attack, respond] of Object.entries<Respond>({
    'is 1 MB': (response, request) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(documentFor(request, { padding: 'x'.repeat(2 ** 20) })))
    },
    'is 1 MB and says it is 100 bytes': (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      response.socket?.write(`{"x":"${'x'.repeat(2 ** 20)}"}`)
    },
    'says it is 1 GB': (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(2 ** 30) })
      response.write('{')
    },
    'never ends': (response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const pour = () => {
        while (response.write('x'.repeat(65_536)));
      }
      response.on('drain', pour)
      pour()
    },
    'is a gzip bomb': (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(Buffer.alloc(2 ** 24, ' ')))
    },
    'is zipped, though nobody asked': (response, request) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(JSON.stringify(documentFor(request))))
    },
    'has 1 MB of headers': (response, request) => {
      for (let n = 0; n < 100; n++) response.setHeader(`x-${n}`, 'x'.repeat(10_000))
      json()(response, request)
    },
    'breaks off': (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"client_id":')
      response.socket?.destroy()
    },
    'is no HTTP': (response) => {
      response.socket?.end('SSH-2.0-OpenSSH_9.6\r\n')
    },
  })) {
    test(`that ${attack} is rejected, at once and cheaply`, async () => {
      const url = freshUrl()
      responses.set(keyOf(url), respond)
      await assertDocumentRejected(url, { withinMs: 3_000 })
    })
  }

  test('brings nothing of itself onto the page that rejects it', async () => {
    const url = freshUrl()
    responses.set(
      keyOf(url),
      json({ client_id: 'marker-5c0f', redirect_uris: ['marker-5c0f'], client_name: 'marker-5c0f' }),
    )
    assert.doesNotMatch((await assertDocumentRejected(url)).text, /marker-5c0f/)
  })
})

describe('a host that takes its time', { concurrency: true }, () => {
  const slow = async (url: string) => {
    const signal = AbortSignal.timeout(4_500)
    const response = await call(authorizationUrl(hurried, url).href, { signal, headers: fromAnotherAddress() })
    assertPage(response)
    assert.match(response.text, /Client metadata document (not available|temporarily unavailable)/)
    assert.equal(response.headers['retry-after'], undefined)
  }
  // Registered before any of them runs: they go on at the same time, and what each needs stays until all are over.
  const urls = {
    drip: freshUrl(),
    head: freshUrl(),
    once: freshUrl(),
    body: freshUrl(),
    dns: freshUrl(),
    tls: freshUrl(),
    headers: freshUrl(),
  }

  const drip: Respond = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const timer = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(timer))
  }

  test('with a byte now and then is rejected within seconds', async () => {
    responses.set(keyOf(urls.drip), drip)
    await slow(urls.drip)
  })

  test('and never responds is rejected within seconds', async () => {
    responses.set(keyOf(urls.head), () => {})
    await slow(urls.head)
  })

  test('and never responds is dialled once, and given up at its deadline', async () => {
    responses.set(keyOf(urls.once), () => {})
    await slow(urls.once)
    await authorize(freshUrl(), hurried)
    assert.equal(dialled.filter(({ servername }) => servername === new URL(urls.once).hostname).length, 1)
  })

  test('and stops in the middle is rejected within seconds', async () => {
    responses.set(keyOf(urls.body), (response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"client_id":')
    })
    await slow(urls.body)
  })

  test('with a header now and then is rejected within seconds', async () => {
    responses.set(keyOf(urls.headers), (response) => {
      const { socket } = response
      socket?.write('HTTP/1.1 200 OK\r\n')
      const timer = setInterval(() => socket?.write('x: y\r\n'), 50)
      socket?.on('close', () => clearInterval(timer))
      socket?.on('error', () => {})
    })
    await slow(urls.headers)
  })

  test('whose name does not resolve in time is rejected within seconds, and not dialled later', async () => {
    const { hostname } = new URL(urls.dns)
    const late = new EventEmitter()
    names.set(hostname, async () => {
      await once(late, 'response')
      return ['127.0.0.1']
    })
    await slow(urls.dns).finally(() => late.emit('response'))
    assert.equal(
      dialled.some(({ servername }) => servername === hostname),
      false,
    )
  })

  test('that takes the connection and says nothing is rejected within seconds', async (t) => {
    const port = await startSilent(t)
    ways.set(new URL(urls.tls).hostname, ({ servername }) => connect({ host: '127.0.0.1', port, servername }))
    await slow(urls.tls)
  })

  test('does not hold up anybody else', async () => {
    const { ms, result } = await costOf(() => authorize(freshUrl(), hurried))
    assert.equal(result.status, 200)
    assert.ok(ms < 1_500, `it took ${ms} ms`)
  })
})

for (const [from, headersOf, waitedFor] of [
  ['one address', () => ({}), 4],
  ['forty ports of an address', fromAnotherPort, 4],
  ['forty addresses', fromAnotherAddress, 20],
] as const) {
  test(`of forty hosts that hang no more than ${waitedFor} are waited for when ${from} ask, and the rest is rejected at once`, async () => {
    const urls = Array.from({ length: 40 }, () => freshUrl())
    const waiting = new Set<ServerResponse>()
    for (const url of urls) responses.set(keyOf(url), (response) => waiting.add(response))
    const before = dialled.length
    let settled = 0
    const ask = (url: string) =>
      call(authorizationUrl(origin, url).href, { headers: headersOf() }).finally(() => settled++)
    const { result, megabytes } = await costOf(async () => {
      const all = Promise.all(urls.map(ask))
      await eventually(() => settled === 40 - waitedFor && waiting.size === waitedFor)
      for (const response of waiting) response.writeHead(500).end()
      return all
    })
    for (const response of result) assertPage(response)
    assert.equal(new Set(dialled.slice(before).map(({ servername }) => servername)).size, waitedFor)
    assert.equal(result.filter(({ headers }) => headers['retry-after'] !== undefined).length, 40 - waitedFor)
    assert.ok(megabytes < 100, `${megabytes} MB`)
  })
}

test('a closed port, another protocol and a missing name look the same from outside', async (t) => {
  const [closed, wrong, missing] = [freshUrl(), freshUrl(), freshUrl()]
  ways.set(new URL(closed).hostname, ({ servername }) => connect({ host: '127.0.0.1', port: 1, servername }))
  const port = await startSilent(t, (socket) => socket.end('220 mail ready\r\n'))
  ways.set(new URL(wrong).hostname, ({ servername }) => connect({ host: '127.0.0.1', port, servername }))
  names.set(new URL(missing).hostname, async () => [])
  const texts = []
  for (const url of [closed, wrong, missing]) texts.push(alertOf((await assertDocumentRejected(url)).text))
  assert.equal(new Set(texts).size, 1, String(texts))
})

describe('a good document', () => {
  test('signs its client in from end to end', async () => {
    const url = freshUrl()
    responses.set(keyOf(url), json({}, cached))
    const fresh = await freshCode(origin, url, { scope: 'access_as_user offline_access' })
    const response = await redeem(origin, fresh)
    assertTokens(response)
    const form = { grant_type: 'refresh_token', refresh_token: String(response.body['refresh_token']), client_id: url }
    assertTokens(await postForm(`${origin}/token`, form))
    assert.equal(host.requests.filter(({ headers }) => headers.host === new URL(url).host).length, 1)
  })

  test('is shown by its host, which it cannot choose', async () => {
    const url = freshUrl()
    responses.set(keyOf(url), json({ client_name: 'Microsoft' }))
    const { text } = await authorize(url)
    assert.match(text, /<bdi>Microsoft<\/bdi>/)
    assert.match(text, new RegExp(`not verified</span>[^<]*<strong>${new URL(url).host}</strong>`))
  })

  test('is asked for with nothing of the user, and nothing of the request', async () => {
    const url = freshUrl('/client.json?of=a&b')
    const browser = openBrowser(origin, origin, new Map([['session', 'x']]))
    const asked = authorizationUrl(origin, url, { state: 'secret-state', login_hint: 'rowan' })
    const headers = { 'user-agent': 'A browser', 'x-forwarded-for': '203.0.113.7', referer: 'https://evil.example/' }
    assert.equal((await browser.go(asked, headers)).status, 200)
    const last = host.requests.at(-1)
    assert.deepEqual([last?.method, last?.url], ['GET', '/client.json?of=a&b'])
    assert.deepEqual(
      { ...last?.headers },
      { host: new URL(url).host, connection: 'keep-alive', accept: 'application/json' },
    )
  })

  test('is fetched once by many who ask at the same time', async () => {
    const url = freshUrl()
    responses.set(keyOf(url), (response, request) => setTimeout(() => json()(response, request), 300))
    const all = await Promise.all(Array.from({ length: 20 }, () => authorize(url)))
    for (const { status } of all) assert.equal(status, 200)
    assert.equal(host.requests.filter(({ headers }) => headers.host === new URL(url).host).length, 1)
  })

  test('is a client of its own URL alone: a query makes another', async () => {
    const url = freshUrl()
    responses.set(keyOf(url), json({}, cached))
    const fresh = await freshCode(origin, url)
    for (const other of [`${url}?x`, `${url}/`, url.replace('client.json', 'client2.json')]) {
      assertRejected(await redeem(origin, fresh, { client_id: other }), 'invalid_grant')
    }
    assertTokens(await redeem(origin, fresh))
  })

  test('does not become the client of a browser that consented to another', async () => {
    const [url, other] = [freshUrl(), freshUrl()]
    const browser = openBrowser(origin)
    const form = formOf(await browser.go(authorizationUrl(origin, url)))
    await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' })
    assert.doesNotMatch((await browser.go(authorizationUrl(origin, url))).text, /name="confirmed"/)
    assert.match((await browser.go(authorizationUrl(origin, other))).text, /name="confirmed"/)
  })
})

describe('the cache', () => {
  const hourMs = 3_600_000

  /** A server whose clock the test moves, and a document whose fetches it counts. */
  async function startClocked(t: TestContext, headers: Readonly<Record<string, string>>) {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const { origin: server } = await listen(t, {}, tenant, { network })
    const url = freshUrl()
    responses.set(keyOf(url), json({}, headers))
    return {
      url,
      server,
      fetches: () => host.requests.filter((request) => request.headers.host === new URL(url).host).length,
      ask: (overrides: Readonly<Record<string, string>> = {}) => authorize(url, server, overrides),
      pass: (ms: number) => t.mock.timers.tick(ms),
      change: (respond: Respond) => responses.set(keyOf(url), respond),
    }
  }

  test('keeps a document for as long as it says', async (t) => {
    const { ask, fetches, pass } = await startClocked(t, { 'cache-control': 'max-age=3600' })
    await ask()
    pass(hourMs - 1_000)
    await ask()
    assert.equal(fetches(), 1)
    pass(1_000)
    await ask()
    assert.equal(fetches(), 2)
  })

  test('keeps none for longer than a day', async (t) => {
    const { ask, fetches, pass } = await startClocked(t, { 'cache-control': 'max-age=31536000, immutable' })
    await ask()
    pass(24 * hourMs - 1)
    await ask()
    assert.equal(fetches(), 1)
    pass(1)
    await ask()
    assert.equal(fetches(), 2)
  })

  for (const cacheControl of ['no-store', 'no-cache', 'max-age=0', 'private, max-age=0', 'max-age=-1', 'max-age=x']) {
    test(`keeps none that says ${cacheControl}`, async (t) => {
      const { ask, fetches } = await startClocked(t, { 'cache-control': cacheControl })
      await ask()
      await ask()
      assert.equal(fetches(), 2)
    })
  }

  test('lets a redirect URI go with the document that named it', async (t) => {
    const { ask, pass, change } = await startClocked(t, cached)
    assert.equal((await ask()).status, 200)
    change(json({ redirect_uris: ['http://127.0.0.1:33418/elsewhere'] }, cached))
    assert.equal((await ask()).status, 200, 'it is kept')
    pass(hourMs)
    assertPage(await ask())
    assert.equal((await ask({ redirect_uri: 'http://127.0.0.1:33418/elsewhere' })).status, 200)
  })

  for (const [what, respond] of Object.entries<Respond>({
    gone: (response) => void response.writeHead(404).end(),
    'another’s': json({ client_id: 'https://evil.example/client.json' }, cached),
    'an HTML page': (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Sold</h1>'),
  })) {
    test(`lets a client go whose document is ${what}`, async (t) => {
      const { ask, pass, change } = await startClocked(t, cached)
      assert.equal((await ask()).status, 200)
      change(respond)
      pass(hourMs)
      assertPage(await ask())
    })
  }

  test('does not knock again for ten seconds where a document failed, and then does', async (t) => {
    const { ask, fetches, pass, change } = await startClocked(t, cached)
    change((response) => void response.writeHead(500).end())
    for (let n = 0; n < 5; n++) assertPage(await ask())
    assert.equal(fetches(), 1)
    change(json())
    pass(9_999)
    assertPage(await ask())
    pass(1)
    assert.equal((await ask()).status, 200)
  })

  test('a consent stays the user’s where the document’s name has changed', async (t) => {
    const { url, server, change } = await startClocked(t, { 'cache-control': 'no-store' })
    const browser = openBrowser(server)
    await browser.submit({
      request: formOf(await browser.go(authorizationUrl(server, url))),
      decision: 'allow',
      confirmed: 'yes',
    })
    change(json({ client_name: 'Renamed' }))
    const page = await browser.go(authorizationUrl(server, url))
    assert.match(page.text, /You have allowed this before/)
    assert.equal(leadsTo(await browser.submit({ request: formOf(page), decision: 'allow' })).origin, tenant.origin)
  })
})

/** A TCP port on loopback that takes connections, and what it does with them. */
async function startSilent(t: TestContext, onConnection: (socket: Socket) => void = () => {}): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
