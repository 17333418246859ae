import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { clientSetups } from '../../src/routes/client-setups.ts'
import { codeBlocks, codeSpans, readText, section, tableRows } from '../docs/markdown.ts'
import { build } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { app, origin } = await build(file, {}, tenant)
const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'

type Method = 'GET' | 'HEAD' | 'POST'

async function open(url: string, accept: string | undefined = browserAccept, method: Method = 'GET', of = app) {
  return of.inject({ method, url, headers: accept === undefined ? {} : { accept } })
}

/** What a person reads: the page without its tags. */
const textOf = (html: string) => html.replaceAll(/<(style|script)>[\s\S]*?<\/\1>|<[^>]*>/g, '').replaceAll(/\s+/g, ' ')

test('a browser gets the home page: readiness, the address, clients, tools', async () => {
  const { statusCode, headers, body } = await open('/')
  assert.equal(statusCode, 200)
  assert.equal(headers['content-type'], 'text/html; charset=utf-8')
  const text = textOf(body)
  for (const shown of [`${origin}/mcp`, 'Ready', 'VS Code', 'getMessages', 'getRoadmapItems']) {
    assert.ok(text.includes(shown), shown)
  }
  assert.doesNotMatch(text, /setMessageState|getServiceHealth/, 'tools that are off')
})

for (const [what, accept] of [
  ['JSON', 'application/json'],
  ['JSON or a stream', 'application/json, text/event-stream'],
  ['JSON beside HTML', 'text/html, application/json'],
  ['a stream', 'text/event-stream'],
  ['anything', '*/*'],
  ['nothing in particular', ''],
] as const) {
  test(`who accepts ${what} gets JSON at / and at /mcp`, async () => {
    const root = await open('/', accept)
    assert.deepEqual([root.statusCode, root.json().error.data.reason], [404, 'not_found'])
    const endpoint = await open('/mcp', accept)
    assert.deepEqual([endpoint.statusCode, endpoint.json().error.data.reason], [401, 'missing_token'])
    assert.match(String(endpoint.headers['www-authenticate']), /^Bearer resource_metadata=/)
  })
}

for (const url of ['/mcp', '/mcp/', '/mcp?next=https://evil.example']) {
  test(`a browser that opens ${url} is sent to the home page`, async () => {
    for (const method of ['GET', 'HEAD'] as const) {
      const { statusCode, headers } = await open(url, browserAccept, method)
      assert.deepEqual([statusCode, headers.location, headers['cache-control']], [303, '/', 'no-store'])
    }
  })
}

test('so it is where callers need no token', async (t) => {
  const { app: unguarded } = await build(t, { MCP_REQUIRE_AUTH: 'false' }, tenant)
  assert.equal((await open('/mcp', browserAccept, 'GET', unguarded)).statusCode, 303)
  assert.equal((await open('/mcp', '*/*', 'GET', unguarded)).statusCode, 405)
})

test('who sends a token is a program, whatever it accepts', async () => {
  for (const [token, status] of [
    [await tenant.mint(), 405],
    ['none', 401],
  ]) {
    const headers = { accept: browserAccept, authorization: `Bearer ${token}` }
    const response = await app.inject({ url: '/mcp', headers })
    assert.deepEqual([response.statusCode, typeof response.json().error.code], [status, 'number'])
  }
})

test('a browser that may not open the endpoint now gets a page that says so', async (t) => {
  const { app: limited } = await build(t, { RATE_LIMIT_MAX: '1' }, tenant)
  await open('/mcp', browserAccept, 'GET', limited)
  const { statusCode, headers, body } = await open('/mcp', browserAccept, 'GET', limited)
  assert.deepEqual([statusCode, headers['content-type']], [429, 'text/html; charset=utf-8'])
  assert.ok(Number(headers['retry-after']) > 0)
  assert.match(textOf(body), /Try again/)
  assert.match(String(headers['content-security-policy']), /default-src 'none'/)
})

test('a POST without a token is challenged, whatever it accepts', async () => {
  const { statusCode, headers } = await open('/mcp', browserAccept, 'POST')
  assert.equal(statusCode, 401)
  assert.match(String(headers['www-authenticate']), /^Bearer resource_metadata=/)
})

test('HEAD has the headers of GET and no body', async () => {
  const [head, get] = [await open('/', browserAccept, 'HEAD'), await open('/')]
  assert.equal(head.statusCode, 200)
  assert.equal(head.body, '')
  for (const name of ['content-type', 'content-length', 'content-security-policy', 'cache-control']) {
    assert.equal(head.headers[name], get.headers[name], name)
  }
})

test('its policy allows the style sheet and the script by their hashes, and nothing else', async () => {
  const { headers, body } = await open('/')
  const sourceOf = (tag: string) => {
    const [, text = ''] = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(body) ?? []
    return `'sha256-${hash('sha256', text, 'base64')}'`
  }
  assert.deepEqual(String(headers['content-security-policy']).split('; '), [
    "default-src 'none'",
    `style-src ${sourceOf('style')}`,
    `script-src ${sourceOf('script')}`,
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ])
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(headers['x-frame-options'], 'DENY')
  assert.equal(headers['referrer-policy'], 'no-referrer')
  assert.equal(headers['set-cookie'], undefined)
})

test('the page to try it is linked where there is one, with this server’s address', async (t) => {
  const { app: tried, origin: own } = await build(t, { TRY_IT_URL: 'http://localhost:9600/try-it' }, tenant)
  const { body } = await open('/', browserAccept, 'GET', tried)
  const [, href = ''] = /<a href="([^"]*try-it[^"]*)"/.exec(body.replaceAll('&#61;', '=')) ?? []
  assert.equal(new URL(href).searchParams.get('server'), `${own}/mcp`)
  assert.doesNotMatch((await open('/')).body, /try-it/)
})

test('pages without a script allow none', async () => {
  const { headers } = await open('/nothing')
  assert.doesNotMatch(String(headers['content-security-policy']), /script-src/)
})

test('configured names are text', async (t) => {
  const name = '"><script>alert(1)</script>&'
  const { app: named } = await build(t, { OPERATOR_NAME: name }, tenant)
  const { body } = await open('/', browserAccept, 'GET', named)
  assert.ok(!body.includes('<script>alert'))
  assert.ok(body.includes('Run by &#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#38;'), body.slice(-1_500))
})

test('it holds no id of the tenant or an app, and no secret', async () => {
  const { body } = await open('/')
  for (const value of [tenant.tenantId, tenant.api.clientId, tenant.api.clientSecret, tenant.origin]) {
    assert.ok(!body.includes(value))
  }
})

test('tools that are switched on are listed, and writing is said', async (t) => {
  const env = { MCP_ENABLE_WRITES: 'true', MCP_ENABLE_SERVICE_HEALTH: 'true', ROADMAP_URL: 'off' }
  const { app: writing } = await build(t, env, tenant)
  const text = textOf((await open('/', browserAccept, 'GET', writing)).body)
  for (const shown of ['setMessageState', 'getServiceHealth', 'read and make changes in'])
    assert.ok(text.includes(shown))
  assert.doesNotMatch(text, /getRoadmapItems/)
})

test('a server that is not ready says so, and not why', async (t) => {
  const { app: stopping } = await build(t, {}, tenant)
  Object.defineProperty(stopping, 'stopping', { value: true })
  const { statusCode, body } = await open('/', browserAccept, 'GET', stopping)
  assert.equal(statusCode, 200)
  assert.match(textOf(body), /Not ready/)
  assert.doesNotMatch(textOf(body), /stopping|keys|credential/i)
})

test('it counts against the limit of the address', async (t) => {
  const { app: limited } = await build(t, { RATE_LIMIT_MAX: '2' }, tenant)
  const statuses: number[] = []
  for (let n = 0; n < 3; n++) statuses.push((await open('/', browserAccept, 'GET', limited)).statusCode)
  assert.deepEqual(statuses, [200, 200, 429])
  const { headers, body } = await open('/', browserAccept, 'GET', limited)
  assert.match(String(headers['retry-after']), /^\d+$/)
  assert.match(textOf(body), /Too many attempts/)
  assert.equal((await open('/', 'application/json', 'GET', limited)).json().error.data.reason, 'rate_limited')
})

test('browsers that are sent on from /mcp count as well', async (t) => {
  const { app: limited } = await build(t, { RATE_LIMIT_MAX: '2' }, tenant)
  const statuses: number[] = []
  for (let n = 0; n < 3; n++) statuses.push((await open('/mcp', browserAccept, 'GET', limited)).statusCode)
  assert.deepEqual(statuses, [303, 303, 429])
})

test('another Host gets no home page', async () => {
  const headers = { accept: browserAccept, host: 'evil.example' }
  const { statusCode, body } = await app.inject({ url: '/', headers })
  assert.equal(statusCode, 403)
  assert.match(textOf(body), /This is not the server’s address/)
  assert.doesNotMatch(body, /getMessages/)
})

test('a client whose redirect URI is not allowed is marked, and no other', async (t) => {
  const marked = async (env: Record<string, string>) => {
    const { app: server } = await build(t, env, tenant)
    const { body } = await open('/', browserAccept, 'GET', server)
    return [...body.matchAll(/<details>\s*<summary>(.*?)<\/summary>([\s\S]*?)<\/details>/g)]
      .filter(([, , text = '']) => text.includes('does not allow it'))
      .map(([, client]) => client)
  }
  const publicly = { PUBLIC_BASE_URL: 'https://mcp.example.com' }
  assert.deepEqual(await marked(publicly), ['Claude', 'ChatGPT', 'Copilot Studio'])
  assert.deepEqual(
    await marked({
      ...publicly,
      MCP_OAUTH_REDIRECT_URI_PREFIXES:
        'http://127.0.0.1,https://claude.ai/api/mcp/auth_callback,https://global.consent.azure-apim.net/redirect/',
    }),
    ['Claude Code', 'ChatGPT', 'Teams, Microsoft 365 Copilot', 'Cursor'],
  )
  assert.deepEqual(await marked({ ...publicly, MCP_OAUTH_PROXY: 'off' }), [])
})

test('on the user’s own computer, clients in the cloud are marked as unable to reach it', async (t) => {
  const marks = (body: string) => body.match(/cannot reach a server on your own computer/g)?.length ?? 0
  const { app: remote } = await build(t, { PUBLIC_BASE_URL: 'https://mcp.example.com' }, tenant)
  assert.equal(marks((await open('/')).body), 4)
  assert.equal(marks((await open('/', browserAccept, 'GET', remote)).body), 0)
})

test('without the proxy it says that apps have to be registered', async (t) => {
  const { app: direct } = await build(t, { MCP_OAUTH_PROXY: 'off' }, tenant)
  assert.match((await open('/', browserAccept, 'GET', direct)).body, /registered in Microsoft Entra/)
  assert.doesNotMatch((await open('/')).body, /registered in Microsoft Entra/)
})

const documented = readText('docs/clients.md')
const rows = tableRows(section(documented, 'Setup'))
const snippets = [...codeBlocks(documented, 'json'), ...rows.flatMap(([, setup = '']) => codeSpans(setup))]

for (const { client, snippet, redirectUri } of clientSetups('https://mcp.example.com/mcp')) {
  test(`docs/clients.md has ${client} with the same redirect URI and the same text to copy`, () => {
    const [, , uris = ''] = rows.find(([name]) => name === client) ?? []
    assert.ok(codeSpans(uris).includes(redirectUri), redirectUri)
    const compact = (text: string) => (text.startsWith('{') ? JSON.stringify(JSON.parse(text)) : text)
    if (snippet !== undefined) assert.ok(snippets.map(compact).includes(compact(snippet)), snippet)
  })
}
