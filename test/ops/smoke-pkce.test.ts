import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { decodeJwt } from 'jose'
import { browse } from '../../demo/browser.ts'
import { freePort, listen } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { ops } from './helper.ts'
import { type LastPage, operatorsBrowser } from './operators-browser.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin, logs } = await listen(file, {}, tenant)

/** Where nothing listens. */
const freeOne = await freePort()
const anyPort = ['--port', '0']
const smoke = (...args: readonly string[]) => ['smoke', 'pkce', '--url', origin, ...anyPort, ...args]

function hopsOf(out: string): string[] {
  return [...out.matchAll(/^[✔✘] (\S.*?) +\d+ ms/gm)].map(([, hop]) => String(hop))
}

/** A token that Entra signed. What the proxy seals is encrypted, and has no second part that can be read. */
const jws = /eyJ[\w-]+\.eyJ/

test('signs in, refreshes, revokes and prints the claims, with a timed line for each hop', async () => {
  const browser = operatorsBrowser('rowan')
  const { code, out, err } = await ops(smoke(), browser)
  assert.equal(code, 0, err)
  assert.deepEqual(hopsOf(out), [
    'challenge',
    'protected resource',
    'authorization server',
    'register',
    'authorize',
    'token',
    'refresh',
    'revoke',
  ])
  assert.match(out, /"scp": "access_as_user"/)
  assert.match(out, /"preferred_username": "rowan@contoso.example"/)
  assert.match(out, /Sign-in works\.\n$/)
  assert.doesNotMatch(out + err, jws)
})

test('--json prints the hops and the claims as one object, without the token', async () => {
  const { code, out } = await ops(smoke('--json', '--no-refresh'), operatorsBrowser('rowan'))
  assert.equal(code, 0)
  const result = JSON.parse(out)
  assert.equal(result.verdict, 'passed')
  assert.equal(result.url, `${origin}/mcp`)
  assert.deepEqual(
    result.hops.map(({ hop }: { hop: string }) => hop),
    ['challenge', 'protected resource', 'authorization server', 'register', 'authorize', 'token'],
  )
  assert.equal(result.claims.aud, tenant.api.clientId)
  assert.equal(result.accessToken, undefined)
})

test('--show-token prints the access token', async () => {
  const { out } = await ops(smoke('--json', '--show-token', '--no-refresh'), operatorsBrowser('rowan'))
  const { accessToken, claims } = JSON.parse(out)
  assert.deepEqual(decodeJwt(accessToken), claims)
})

test('the authorization request has the parameters that MCP requires; two token requests, one revocation', async () => {
  const before = logs.length
  const browser = operatorsBrowser('rowan')
  let asked = new URLSearchParams()
  const { code } = await ops(smoke(), {
    async openBrowser(url) {
      asked = new URL(url).searchParams
      await browser.openBrowser(url)
    },
  })
  assert.equal(code, 0)
  assert.equal(asked.get('resource'), `${origin}/mcp`)
  assert.equal(asked.get('code_challenge_method'), 'S256')
  assert.match(asked.get('code_challenge') ?? '', /^[\w-]{43}$/)
  assert.match(asked.get('redirect_uri') ?? '', /^http:\/\/localhost:\d+\/$/)
  const routes = logs.slice(before).flatMap(({ event, route }) => (event === 'request' ? [route] : []))
  assert.equal(routes.filter((route) => route === '/token').length, 2)
  assert.equal(routes.filter((route) => route === '/revoke').length, 1)
})

test('--client-id uses a registered client and registers none', async () => {
  const { code, out } = await ops(smoke('--client-id', tenant.api.clientId), operatorsBrowser('rowan'))
  assert.equal(code, 0)
  assert.ok(!hopsOf(out).includes('register'))
})

test('the last page in the browser loads nothing', async () => {
  const browser = operatorsBrowser('rowan')
  await ops(smoke(), browser)
  const { status, headers, html } = (await browser.pages[0]) as LastPage
  assert.equal(status, 200)
  assert.doesNotMatch(html, /<script|src=|https?:|url\(|@import/)
  assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.equal(headers.get('referrer-policy'), 'no-referrer')
  assert.equal(headers.get('cache-control'), 'no-store')
})

test('--no-browser prints the URL and reads a pasted redirect URL, ignoring other lines', async () => {
  const stdin = new PassThrough()
  const options = {
    stdin,
    onProgress: (text: string) => {
      const address = /^http\S+authorize\?\S+/m.exec(text)?.[0]
      if (address === undefined) return
      stdin.write('is this it?\n\nhttp://localhost:8400/\n')
      void browse(address, { user: 'rowan' }).then(({ url }) => stdin.write(`  ${url.href}  \n`))
    },
  }
  const { code, out, err } = await ops(smoke('--no-browser'), options)
  assert.equal(code, 0, err)
  assert.equal(err.match(/Not a redirect URL/g)?.length, 2)
  assert.ok(hopsOf(out).includes('revoke'))
})

test('where no browser opens, the URL is printed', async () => {
  const byHand = operatorsBrowser('rowan')
  const { code, err } = await ops(smoke(), {
    openBrowser: () => Promise.reject(new Error('spawn xdg-open ENOENT')),
    onProgress: (text) => {
      if (/^http\S+authorize/.test(text)) void byHand.openBrowser(text.trim())
    },
  })
  assert.equal(code, 0, err)
  assert.match(err, /^Open this URL in a browser:$/m)
})

interface FailingSignIn {
  readonly what: string
  readonly args?: readonly string[]
  readonly user?: string
  readonly consent?: boolean
  readonly change?: (callback: URL) => URL
  readonly message: RegExp
  readonly next: RegExp
}

const setParameter = (name: string, value: string) => (callback: URL) => {
  callback.searchParams.set(name, value)
  return callback
}
const removeParameter = (name: string) => (callback: URL) => {
  callback.searchParams.delete(name)
  return callback
}

const failingSignIns: readonly FailingSignIn[] = [
  {
    what: 'denied on the consent page',
    consent: false,
    message: /The sign-in failed with access_denied: The user denied access/,
    next: /Run it again and allow it/,
  },
  {
    what: 'another state',
    args: ['--timeout', '1'],
    change: setParameter('state', 'another'),
    message: /Nobody signed in within 1 s/,
    next: /--timeout sets the limit/,
  },
  {
    what: 'no state',
    args: ['--timeout', '1'],
    change: removeParameter('state'),
    message: /Nobody signed in within 1 s/,
    next: /--timeout sets the limit/,
  },
  {
    what: 'another issuer',
    change: setParameter('iss', 'https://other.example'),
    message: /The sign-in violates the standard: .*"iss"/,
    next: /A strict client fails here/,
  },
  {
    what: 'no issuer',
    change: removeParameter('iss'),
    message: /The sign-in violates the standard: .*"iss"/,
    next: /A strict client fails here/,
  },
  {
    what: 'an error response',
    change: (callback) => setParameter('error', 'server_error')(removeParameter('code')(callback)),
    message: /The sign-in failed with server_error/,
    next: /entra_sign_in_failed or credential_rejected/,
  },
  {
    what: 'another code',
    change: setParameter('code', 'AAAA'),
    message: /The code failed with invalid_grant: Invalid authorization code/,
    next: /Run it again: a code is valid once/,
  },
  {
    what: 'an unknown client id',
    args: ['--client-id', 'nobody', '--timeout', '1'],
    message: /Nobody signed in within 1 s/,
    next: /--timeout sets the limit/,
  },
  {
    what: 'no sign-in',
    args: ['--no-browser', '--timeout', '1'],
    message: /Nobody signed in within 1 s/,
    next: /--timeout sets the limit/,
  },
]

for (const { what, args = [], user = 'rowan', consent = true, change, message, next } of failingSignIns) {
  test(`${what}: message, remediation and exit code 1`, async () => {
    const browser = operatorsBrowser(user, change, consent)
    const { code, out, err } = await ops(smoke(...args), browser)
    assert.equal(code, 1, out)
    const [sentence, remediation, ...more] = err.trim().split('\n').slice(-2)
    assert.match(String(sentence), message)
    assert.match(String(remediation), next)
    assert.deepEqual(more, [])
    assert.match(out, /^✘ /m)
    assert.doesNotMatch(out + err, jws)
  })
}

test('the browser shows why an authorization response is rejected', async () => {
  const browser = operatorsBrowser('rowan', setParameter('iss', 'https://other.example'))
  await ops(smoke(), browser)
  const { status, html } = (await browser.pages[0]) as LastPage
  assert.equal(status, 400)
  assert.match(html, /Sign-in failed.*&#34;iss&#34;/s)
})

test('requests of other pages to the listener are ignored', async () => {
  const browser = operatorsBrowser('rowan')
  const statuses: number[] = []
  const { code, err } = await ops(smoke(), {
    async openBrowser(url) {
      const listener = new URL(new URL(url).searchParams.get('redirect_uri') ?? '')
      const port = Number(listener.port)
      for (const path of ['//', '/?code=x&state=evil', '/?error=access_denied', '/favicon.ico']) {
        statuses.push(await statusOf(port, path))
      }
      await browser.openBrowser(url)
    },
  })
  assert.equal(code, 0, err)
  assert.deepEqual(statuses, [404, 400, 400, 404])
})

/** Sends the path unchanged; fetch would normalize it. */
function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).on('error', reject)
  })
}

for (const address of ['ms-msdt:/id', 'file:///etc/passwd', 'http://login.example/authorize', 'javascript:alert(1)']) {
  test(`an authorization_endpoint ${address} is rejected and not opened`, async (t) => {
    const metadata = await (await fetch(`${origin}/.well-known/oauth-authorization-server`)).json()
    const resource = await (await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)).json()
    const server = createServer((request, response) => {
      const own = `http://localhost:${(server.address() as AddressInfo).port}`
      const documents: Record<string, unknown> = {
        '/.well-known/oauth-protected-resource/mcp': {
          ...(resource as object),
          resource: `${own}/mcp`,
          authorization_servers: [own],
        },
        '/.well-known/oauth-authorization-server': {
          ...(metadata as object),
          issuer: own,
          authorization_endpoint: address,
        },
      }
      const document = documents[request.url ?? '']
      if (request.url === '/mcp') {
        const metadata = `${own}/.well-known/oauth-protected-resource/mcp`
        response.writeHead(401, {
          'www-authenticate': `Bearer resource_metadata="${metadata}", scope="access_as_user"`,
        })
        response.end()
        return
      }
      response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(document ?? {}))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const opened: string[] = []
    const { code, err } = await ops(
      [
        'smoke',
        'pkce',
        '--url',
        `http://localhost:${(server.address() as AddressInfo).port}`,
        '--port',
        '0',
        '--client-id',
        'any',
      ],
      { openBrowser: async (url) => void opened.push(url) },
    )
    assert.equal(code, 1)
    assert.match(err, /authorization_endpoint .* is not a web page/)
    assert.deepEqual(opened, [])
  })
}

test('--json prints a failure as an object with the failed hop, message and remediation', async () => {
  const { code, out } = await ops(smoke('--json'), operatorsBrowser('rowan', undefined, false))
  assert.equal(code, 1)
  const { verdict, error, hops } = JSON.parse(out)
  assert.equal(verdict, 'failed')
  assert.equal(error.code, 'access_denied')
  assert.match(error.message, /access_denied/)
  assert.match(error.remediation, /allow it/)
  assert.deepEqual([hops.at(-1).hop, hops.at(-1).ok], ['authorize', false])
})

test('a port in use is an error before the sign-in', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as { port: number }
  const { code, err } = await ops(['smoke', 'pkce', '--url', origin, '--port', String(port)])
  assert.equal(code, 1)
  assert.match(err, new RegExp(`Port ${port} is in use\\.\nChoose another with --port`))
})

test('Ctrl-C ends the wait and closes the port', async () => {
  const port = await freePort()
  const interrupt = new AbortController()
  const { code } = await ops(['smoke', 'pkce', '--url', origin, '--port', String(port)], {
    signal: interrupt.signal,
    openBrowser: async () => interrupt.abort(),
  })
  assert.equal(code, 130)
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`))
})

for (const [what, path, status] of [
  ['another path', '/favicon.ico', 404],
  ['its own path without parameters', '/', 404],
] as const) {
  test(`${what} is not an authorization response: it keeps waiting`, async () => {
    const port = await freePort()
    const browser = operatorsBrowser('rowan')
    let seen = 0
    const { code } = await ops(['smoke', 'pkce', '--url', origin, '--port', String(port)], {
      async openBrowser(url) {
        seen = (await fetch(`http://127.0.0.1:${port}${path}`)).status
        await browser.openBrowser(url)
      },
    })
    assert.equal(code, 0)
    assert.equal(seen, status)
  })
}

/** A server other than ours, or one with altered responses. */
async function startOther(
  t: TestContext,
  respond: (path: string, own: string) => { status: number; type?: string; body: string; challenge?: string },
): Promise<string> {
  const server = createServer((request, response) => {
    const own = `http://localhost:${port}`
    const { status, type = 'application/json', body, challenge } = respond(request.url ?? '', own)
    response.writeHead(status, { 'content-type': type, ...(challenge && { 'www-authenticate': challenge }) }).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  t.after(() => server.close())
  return `http://localhost:${port}`
}

const challengeOf = (own: string) => `Bearer resource_metadata="${own}/.well-known/oauth-protected-resource/mcp"`

for (const { what, respond, message } of [
  {
    what: 'a web site',
    respond: () => ({ status: 200, type: 'text/html', body: '<p>Hello' }),
    message: /does not authenticate callers/,
  },
  {
    what: 'a server of another name',
    respond: () => ({ status: 403, body: '{}' }),
    message: /does not serve this address/,
  },
  { what: 'a gateway without its server', respond: () => ({ status: 502, body: '' }), message: /failed with 502/ },
  {
    what: 'HTML where metadata should be',
    respond: (path: string, own: string) =>
      path === '/mcp'
        ? { status: 401, body: '{}', challenge: challengeOf(own) }
        : { status: 200, type: 'text/html', body: '<p>Hello' },
    message: /protected-resource metadata: the response is not JSON but text\/html/,
  },
  {
    what: 'metadata of another origin',
    respond: (path: string, own: string) =>
      path === '/mcp'
        ? { status: 401, body: '{}', challenge: challengeOf(own) }
        : {
            status: 200,
            body: JSON.stringify({ resource: 'https://other.example/mcp', authorization_servers: [own] }),
          },
    message: /protected-resource metadata names another server/,
  },
  {
    what: 'an authorization server of another issuer',
    respond: (path: string, own: string) =>
      path === '/mcp'
        ? { status: 401, body: '{}', challenge: challengeOf(own) }
        : path.includes('protected-resource')
          ? { status: 200, body: JSON.stringify({ resource: `${own}/mcp`, authorization_servers: [own] }) }
          : { status: 200, body: JSON.stringify({ issuer: 'https://other.example' }) },
    message: /metadata of the authorization server names another server/,
  },
]) {
  test(`${what} is an error before the sign-in`, async (t) => {
    const other = await startOther(t, respond)
    let opened = 0
    const { code, err } = await ops(['smoke', 'pkce', '--url', other, ...anyPort], {
      openBrowser: async () => void opened++,
    })
    assert.equal(code, 1)
    assert.match(err, message)
    assert.equal(opened, 0)
  })
}

for (const { what, url, message } of [
  { what: 'a port where nothing listens', url: `http://localhost:${freeOne}`, message: /Nothing listens on/ },
  { what: 'https where there is none', url: origin.replace('http:', 'https:'), message: /does not speak TLS/ },
  { what: 'a host name that does not exist', url: 'https://mcp.invalid', message: /does not resolve/ },
]) {
  test(`${what} is an error`, async () => {
    const { code, err } = await ops(['smoke', 'pkce', '--url', url, ...anyPort])
    assert.equal(code, 1)
    assert.match(err, message)
  })
}

for (const args of [
  ['--url', 'http://mcp.example.com'],
  ['--url', 'mcp'],
  ['--url', `${origin}/v1`],
  ['--port', '70000'],
  ['--timeout', 'soon'],
  ['--prot', '1'],
]) {
  test(`${args.join(' ')} is a usage error: exit code 2`, async () => {
    const { code, err } = await ops(['smoke', 'pkce', ...args])
    assert.equal(code, 2)
    assert.match(err, /error: |Invalid server URL|is not https/)
  })
}
