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

test('goes from the 401 over sign-in, refresh and revocation to the claims, a line with its time for each hop', async () => {
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
  assert.match(out, /Clients can sign in here\.\n$/)
  assert.doesNotMatch(out + err, /eyJ/)
})

test('--json gives the hops and the claims as one object on standard output, without the token', async () => {
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

test('--show-token gives a token that the server takes', async () => {
  const { out } = await ops(smoke('--json', '--show-token', '--no-refresh'), operatorsBrowser('rowan'))
  const { accessToken, claims } = JSON.parse(out)
  assert.deepEqual(decodeJwt(accessToken), claims)
})

test('the authorization request carries what MCP asks for; two tokens are got and one sign-in revoked', async () => {
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

test('--client-id signs in as the app that the operator configured, and registers nothing', async () => {
  const { code, out } = await ops(smoke('--client-id', tenant.api.clientId), operatorsBrowser('rowan'))
  assert.equal(code, 0)
  assert.ok(!hopsOf(out).includes('register'))
})

test('the page that the browser lands on says that it can be closed and loads nothing', async () => {
  const browser = operatorsBrowser('rowan')
  await ops(smoke(), browser)
  const { status, headers, html } = (await browser.pages[0]) as LastPage
  assert.equal(status, 200)
  assert.match(html, /You can close this page/)
  assert.doesNotMatch(html, /<script|<style|src=|https?:/)
  assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.equal(headers.get('referrer-policy'), 'no-referrer')
  assert.equal(headers.get('cache-control'), 'no-store')
})

test('--no-browser prints the address and takes a pasted one, after lines that are none', async () => {
  const stdin = new PassThrough()
  const world = {
    stdin,
    onProgress: (text: string) => {
      const address = /^http\S+authorize\?\S+/m.exec(text)?.[0]
      if (address === undefined) return
      stdin.write('is this it?\n\nhttp://localhost:8400/\n')
      void browse(address, { user: 'rowan' }).then(({ url }) => stdin.write(`  ${url.href}  \n`))
    },
  }
  const { code, out, err } = await ops(smoke('--no-browser'), world)
  assert.equal(code, 0, err)
  assert.equal(err.match(/That is not the address of the last page/g)?.length, 2)
  assert.ok(hopsOf(out).includes('revoke'))
})

test('where no browser opens, the address is told and the browser may be opened by hand', async () => {
  const byHand = operatorsBrowser('rowan')
  const { code, err } = await ops(smoke(), {
    openBrowser: () => Promise.reject(new Error('spawn xdg-open ENOENT')),
    onProgress: (text) => {
      if (/^http\S+authorize/.test(text)) void byHand.openBrowser(text.trim())
    },
  })
  assert.equal(code, 0, err)
  assert.match(err, /^Open this address in a browser:$/m)
})

interface Trouble {
  readonly what: string
  readonly args?: readonly string[]
  readonly user?: string
  readonly consent?: boolean
  readonly change?: (callback: URL) => URL
  readonly says: RegExp
  readonly next: RegExp
}

const with_ = (name: string, value: string) => (callback: URL) => {
  callback.searchParams.set(name, value)
  return callback
}
const without = (name: string) => (callback: URL) => {
  callback.searchParams.delete(name)
  return callback
}

const troubles: readonly Trouble[] = [
  {
    what: 'a user who denies it on the consent page',
    consent: false,
    says: /The sign-in was refused with access_denied: The user did not allow it/,
    next: /Run it again and allow it/,
  },
  {
    what: 'a state of another sign-in, and nothing else',
    args: ['--timeout', '1'],
    change: with_('state', 'another'),
    says: /Nobody signed in within 1 s/,
    next: /--timeout gives more time/,
  },
  {
    what: 'no state',
    args: ['--timeout', '1'],
    change: without('state'),
    says: /Nobody signed in within 1 s/,
    next: /--timeout gives more time/,
  },
  {
    what: 'the answer of another issuer',
    change: with_('iss', 'https://other.example'),
    says: /The sign-in is not what the standards have it: .*"iss"/,
    next: /A strict client stops here/,
  },
  {
    what: 'an answer without issuer',
    change: without('iss'),
    says: /The sign-in is not what the standards have it: .*"iss"/,
    next: /A strict client stops here/,
  },
  {
    what: 'an error that comes back',
    change: (callback) => with_('error', 'server_error')(without('code')(callback)),
    says: /The sign-in was refused with server_error/,
    next: /entra_sign_in_failed or credential_rejected/,
  },
  {
    what: 'a code that somebody changed',
    change: with_('code', 'AAAA'),
    says: /The code was refused with invalid_grant: The code is not one/,
    next: /Run it again: a code is good once/,
  },
  {
    what: 'a client id that nobody knows',
    args: ['--client-id', 'nobody', '--timeout', '1'],
    says: /Nobody signed in within 1 s/,
    next: /--timeout gives more time/,
  },
  {
    what: 'nobody who signs in',
    args: ['--no-browser', '--timeout', '1'],
    says: /Nobody signed in within 1 s/,
    next: /--timeout gives more time/,
  },
]

for (const { what, args = [], user = 'rowan', consent = true, change, says, next } of troubles) {
  test(`${what}: one clear sentence, what to do next, and exit code 1`, async () => {
    const browser = operatorsBrowser(user, change, consent)
    const { code, out, err } = await ops(smoke(...args), browser)
    assert.equal(code, 1, out)
    const [sentence, mend, ...more] = err.trim().split('\n').slice(-2)
    assert.match(String(sentence), says)
    assert.match(String(mend), next)
    assert.deepEqual(more, [])
    assert.match(out, /^✘ /m)
    assert.doesNotMatch(out + err, /eyJ/)
  })
}

test('a browser whose answer is refused is told so too, and why', async () => {
  const browser = operatorsBrowser('rowan', with_('iss', 'https://other.example'))
  await ops(smoke(), browser)
  const { status, html } = (await browser.pages[0]) as LastPage
  assert.equal(status, 400)
  assert.match(html, /The sign-in did not work.*&#34;iss&#34;/s)
})

test('what other pages send to the listener neither ends the sign-in nor the process', async () => {
  const browser = operatorsBrowser('rowan')
  const strangers: number[] = []
  const { code, err } = await ops(smoke(), {
    async openBrowser(url) {
      const listener = new URL(new URL(url).searchParams.get('redirect_uri') ?? '')
      const port = Number(listener.port)
      for (const path of ['//', '/?code=x&state=evil', '/?error=access_denied', '/favicon.ico']) {
        strangers.push(await statusOf(port, path))
      }
      await browser.openBrowser(url)
    },
  })
  assert.equal(code, 0, err)
  assert.deepEqual(strangers, [404, 400, 400, 404])
})

/** As it is sent, which fetch would not do with every path. */
function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).on('error', reject)
  })
}

for (const address of ['ms-msdt:/id', 'file:///etc/passwd', 'http://login.example/authorize', 'javascript:alert(1)']) {
  test(`a server that has ${address} opened is refused, and nothing is opened`, async (t) => {
    const metadata = await (await fetch(`${origin}/.well-known/oauth-authorization-server`)).json()
    const resource = await (await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)).json()
    const server = createServer((request, response) => {
      const own = `http://localhost:${(server.address() as AddressInfo).port}`
      const answers: Record<string, unknown> = {
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
      const answer = answers[request.url ?? '']
      if (request.url === '/mcp') {
        const metadata = `${own}/.well-known/oauth-protected-resource/mcp`
        response.writeHead(401, {
          'www-authenticate': `Bearer resource_metadata="${metadata}", scope="access_as_user"`,
        })
        response.end()
        return
      }
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer ?? {}))
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
    assert.match(err, /names no web page to sign in at/)
    assert.deepEqual(opened, [])
  })
}

test('a failure with --json is an object too, with the hop that failed, what happened and what to do', async () => {
  const { code, out } = await ops(smoke('--json'), operatorsBrowser('rowan', undefined, false))
  assert.equal(code, 1)
  const { verdict, failure, hops } = JSON.parse(out)
  assert.equal(verdict, 'failed')
  assert.match(failure.what, /access_denied/)
  assert.match(failure.next, /allow it/)
  assert.deepEqual([hops.at(-1).hop, hops.at(-1).ok], ['authorize', false])
})

test('a port in use is named, before anybody is sent to sign in', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as { port: number }
  const { code, err } = await ops(['smoke', 'pkce', '--url', origin, '--port', String(port)])
  assert.equal(code, 1)
  assert.match(err, new RegExp(`Port ${port} of this machine is taken\\.\nName another with --port`))
})

test('Ctrl-C while it waits ends it, and frees its port', async () => {
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
  ['its own path without an answer', '/', 404],
] as const) {
  test(`${what} is no answer: it goes on waiting`, async () => {
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

/** Something that is no server of ours, or one whose answers somebody bent. */
async function startOther(
  t: TestContext,
  answer: (path: string, own: string) => { status: number; type?: string; body: string; challenge?: string },
): Promise<string> {
  const server = createServer((request, response) => {
    const own = `http://localhost:${port}`
    const { status, type = 'application/json', body, challenge } = answer(request.url ?? '', own)
    response.writeHead(status, { 'content-type': type, ...(challenge && { 'www-authenticate': challenge }) }).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  t.after(() => server.close())
  return `http://localhost:${port}`
}

const challengeOf = (own: string) => `Bearer resource_metadata="${own}/.well-known/oauth-protected-resource/mcp"`

for (const { what, answer, says } of [
  { what: 'a web site', answer: () => ({ status: 200, type: 'text/html', body: '<p>Hello' }), says: /serves anybody/ },
  { what: 'a server of another name', answer: () => ({ status: 403, body: '{}' }), says: /does not know itself/ },
  { what: 'a gateway without its server', answer: () => ({ status: 502, body: '' }), says: /answered with 502/ },
  {
    what: 'HTML where metadata should be',
    answer: (path: string, own: string) =>
      path === '/mcp'
        ? { status: 401, body: '{}', challenge: challengeOf(own) }
        : { status: 200, type: 'text/html', body: '<p>Hello' },
    says: /protected-resource metadata was not answered in JSON, but with text\/html/,
  },
  {
    what: 'metadata of another origin',
    answer: (path: string, own: string) =>
      path === '/mcp'
        ? { status: 401, body: '{}', challenge: challengeOf(own) }
        : {
            status: 200,
            body: JSON.stringify({ resource: 'https://other.example/mcp', authorization_servers: [own] }),
          },
    says: /protected-resource metadata names another server/,
  },
  {
    what: 'an authorization server of another issuer',
    answer: (path: string, own: string) =>
      path === '/mcp'
        ? { status: 401, body: '{}', challenge: challengeOf(own) }
        : path.includes('protected-resource')
          ? { status: 200, body: JSON.stringify({ resource: `${own}/mcp`, authorization_servers: [own] }) }
          : { status: 200, body: JSON.stringify({ issuer: 'https://other.example' }) },
    says: /metadata of the authorization server names another server/,
  },
]) {
  test(`${what} is told apart, and nobody is sent to sign in`, async (t) => {
    const other = await startOther(t, answer)
    let opened = 0
    const { code, err } = await ops(['smoke', 'pkce', '--url', other, ...anyPort], {
      openBrowser: async () => void opened++,
    })
    assert.equal(code, 1)
    assert.match(err, says)
    assert.equal(opened, 0)
  })
}

for (const { what, url, says } of [
  { what: 'a port where nothing listens', url: `http://localhost:${freeOne}`, says: /Nothing listens on/ },
  { what: 'https where there is none', url: origin.replace('http:', 'https:'), says: /does not speak TLS/ },
  { what: 'a name that nobody has', url: 'https://mcp.invalid', says: /does not resolve/ },
  { what: 'plain http beyond this machine', url: 'http://mcp.example.com', says: /is not https/ },
  { what: 'what is no address', url: 'mcp', says: /is no address of a server/ },
  { what: 'an address with a path of its own', url: `${origin}/v1`, says: /is no address of a server/ },
]) {
  test(`${what} is told as such`, async () => {
    const { code, err } = await ops(['smoke', 'pkce', '--url', url, ...anyPort])
    assert.equal(code, 1)
    assert.match(err, says)
  })
}

for (const args of [
  ['--port', '70000'],
  ['--timeout', 'soon'],
  ['--prot', '1'],
]) {
  test(`${args.join(' ')} is a mistake of the command line: exit code 2`, async () => {
    const { code, err } = await ops(['smoke', 'pkce', ...args])
    assert.equal(code, 2)
    assert.match(err, /error: /)
  })
}
