import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { Emulator } from '../../emulator/app.ts'
import { listen } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { entering, fakeAz, ops } from './helper.ts'
import { operatorsBrowser } from './operators-browser.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)

const hops = [
  'challenge',
  'protected resource',
  'authorization server',
  'token',
  ...['connect', 'tools/list', 'tools/call first', 'tools/call again'].map((hop) => `${hop}, 2025`),
  ...['connect', 'tools/list', 'tools/call first', 'tools/call again'].map((hop) => `${hop}, 2026`),
]

async function withToken(token: string, url = origin, ...args: readonly string[]) {
  return ops(['smoke', 'obo', '--url', url, ...args], { env: { MCP_ACCESS_TOKEN: token } })
}

test('goes from the 401 to messages, by clients of both eras, and says that the chain holds', async () => {
  const { code, out, err } = await withToken(await tenant.mint({ user: 'rowan' }))
  assert.equal(code, 0, err)
  assert.deepEqual(
    [...out.matchAll(/^✔ (\S.*?) +\d+ ms/gm)].map(([, hop]) => hop),
    hops,
  )
  assert.match(out, /connect, 2025 .*MCP 2025-11-25 with mcp-message-center-server/)
  assert.match(out, /connect, 2026 .*MCP 2026-07-28 with mcp-message-center-server/)
  assert.match(out, /token .*of rowan@contoso\.example, good for 7\d minutes/)
  assert.match(out, /tools\/call first, 2025 .*MC\d+, one of 314/)
  assert.match(out, /The whole chain holds: sign-in, exchange and Graph\.\n$/)
  assert.doesNotMatch(out + err, /eyJ/)
})

test('the first call brings the one exchange of the whole run with it', async () => {
  const token = await tenant.mint({ user: 'load-00001' })
  const before = tenant.stats.snapshot().grants.on_behalf_of
  await withToken(token)
  assert.equal(tenant.stats.snapshot().grants.on_behalf_of, before + 1)
})

test('--json gives verdict and hops as one object', async () => {
  const { out } = await withToken(await tenant.mint({ user: 'rowan' }), origin, '--json')
  const result = JSON.parse(out)
  assert.equal(result.verdict, 'passed')
  assert.deepEqual(
    result.hops.map(({ hop }: { hop: string }) => hop),
    hops,
  )
  assert.ok(result.hops.every(({ ms, ok }: { ms: number; ok: boolean }) => ms >= 0 && ok))
})

test('the token may come on standard input, which goes before the variable', async () => {
  const { code, out } = await ops(['smoke', 'obo', '--url', origin, '--token-stdin'], {
    stdin: Readable.from([`${await tenant.mint({ user: 'priya' })}\n`]),
    env: { MCP_ACCESS_TOKEN: 'another' },
  })
  assert.equal(code, 0)
  assert.match(out, /of priya@contoso\.example/)
})

test('without any token a browser opens, and the user who signs in is the one who reads', async () => {
  const { code, out, err } = await ops(['smoke', 'obo', '--url', origin, '--port', '0'], operatorsBrowser('rowan'))
  assert.equal(code, 0, err)
  assert.match(out, /✔ authorize /)
  assert.match(out, /The whole chain holds/)
})

const registered = { GRAPH_TENANT_ID: tenant.tenantId, GRAPH_CLIENT_ID: tenant.api.clientId }

test('the token may be that of the Azure CLI', async (t) => {
  const env = { ...registered, ...fakeAz(t, tenant, 'rowan') }
  const { code, err } = await ops(['smoke', 'obo', '--url', origin, '--az'], { env })
  assert.equal(code, 0, err)
})

test('the token may come by a device code', async () => {
  const { code, out, err } = await ops(['smoke', 'obo', '--url', origin, '--device-code', tenant.client.clientId], {
    env: { ...registered, ENTRA_AUTHORITY_HOST: tenant.origin },
    onProgress: entering({ user: 'rowan' }),
  })
  assert.equal(code, 0, err)
  assert.match(out, /of rowan@contoso\.example/)
})

/** Somebody's call, where it stops, and what an operator reads then. */
const refusals: readonly {
  what: string
  token: () => Promise<string> | string
  stopsAt: string
  says: RegExp
  next: RegExp
}[] = [
  {
    what: 'a user without the role',
    token: () => tenant.mint({ user: 'nico' }),
    stopsAt: 'tools/call first, 2025',
    says: /getMessages failed: graph_forbidden: /,
    next: /role named above/,
  },
  {
    what: 'a user who must use MFA',
    token: () => tenant.mint({ user: 'mika' }),
    stopsAt: 'tools/call first, 2025',
    says: /answered 401 claims_required\. Entra asks for more proof/,
    next: /az login --claims-challenge [\w+/=]+/,
  },
  {
    what: 'a user whom a policy blocks',
    token: () => tenant.mint({ user: 'blake' }),
    stopsAt: 'tools/call first, 2025',
    says: /answered 403 access_blocked/,
    next: /Conditional Access/,
  },
  {
    what: 'a user who is not assigned',
    token: () => tenant.mint({ user: 'una' }),
    stopsAt: 'tools/call first, 2025',
    says: /answered 403 user_not_allowed/,
    next: /Users and groups/,
  },
  {
    what: 'a user without consent to Graph',
    token: () => tenant.mint({ user: 'cato' }),
    stopsAt: 'tools/call first, 2025',
    says: /getMessages failed: user_consent_required: .*adminconsent/,
    next: /An administrator opens the link/,
  },
  {
    what: 'an expired token',
    token: () => tenant.mint({ user: 'rowan', claims: { exp: Math.floor(Date.now() / 1000) - 3600 } }),
    stopsAt: 'connect, 2025',
    says: /answered 401 expired/,
    next: /Get a new token/,
  },
  {
    what: 'a token for Graph',
    token: () => tenant.mint({ user: 'rowan', claims: { aud: 'https://graph.microsoft.com' } }),
    stopsAt: 'connect, 2025',
    says: /answered 401 graph_audience/,
    next: /api:\/\/<GRAPH_CLIENT_ID>\/access_as_user/,
  },
  {
    what: 'a token of another tenant',
    token: () => tenant.mint({ user: 'rowan', claims: { tid: '00000000-0000-0000-0000-000000000001' } }),
    stopsAt: 'connect, 2025',
    says: /answered 401 wrong_tenant/,
    next: /in the tenant of GRAPH_TENANT_ID/,
  },
  {
    what: 'what is no token',
    token: () => 'Bearer eyJ',
    stopsAt: 'token',
    says: /That is no access token of Entra/,
    next: /the command token prints one/,
  },
]

for (const { what, token, stopsAt, says, next } of refusals) {
  test(`${what}: it says which hop failed, why, and what to do`, async () => {
    const { code, out, err } = await withToken(await token(), origin, '--json')
    assert.equal(code, 1)
    const { verdict, failure, hops: done } = JSON.parse(out)
    assert.equal(verdict, 'failed')
    assert.deepEqual([done.at(-1).hop, done.at(-1).ok], [stopsAt, false])
    assert.match(failure.what, says)
    assert.match(failure.next, next)
    assert.ok(err.includes(failure.what) && err.includes(failure.next))
  })
}

/** Something wrong behind the server: a tenant and a server of the test's own, and what breaks in them. */
async function broken(t: TestContext, breakIt: (own: Emulator) => void, env: Record<string, string> = {}) {
  const own = await startEmulator()
  t.after(() => own.close())
  const server = await listen(t, env, own)
  breakIt(own)
  return withToken(await own.mint({ user: 'rowan' }), server.origin)
}

const behind: readonly {
  what: string
  breakIt: (own: Emulator) => void
  env?: Record<string, string>
  says: RegExp
  next: RegExp
}[] = [
  {
    what: 'a server whose secret is wrong',
    breakIt: () => undefined,
    env: { GRAPH_CLIENT_SECRET: 'not-the-secret-of-this-app' },
    says: /The server answered 503\..*\(request id [\w-]+\)/,
    next: /Entra refuses its credential or cannot be reached/,
  },
  {
    what: 'a Graph that limits requests',
    breakIt: (own) => own.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter: 77 }),
    says: /getMessages failed: graph_throttled/,
    next: /the whole tenant shares this limit\. Retry after 77 s\./,
  },
  {
    what: 'a Graph that fails',
    breakIt: (own) => own.faults.add({ target: 'graph', kind: 'html' }),
    says: /getMessages failed: graph_response_invalid/,
    next: /Try again.*The same call may succeed later\./,
  },
  {
    what: 'a server that limits its callers',
    breakIt: () => undefined,
    env: { RATE_LIMIT_USER_MAX: '2', RATE_LIMIT_WINDOW: '1 day' },
    says: /The server answered 429 rate_limited/,
    next: /RATE_LIMIT_USER_MAX.*Retry after \d+ s\./,
  },
]

for (const { what, breakIt, env, says, next } of behind) {
  test(`${what}: it says so, and what to do`, async (t) => {
    const { code, err, out } = await broken(t, breakIt, env)
    assert.equal(code, 1, out)
    assert.match(err, says)
    assert.match(err, next)
    assert.match(out, /^✘ /m)
  })
}

for (const [what, args, says] of [
  ['nothing on standard input', ['--token-stdin'], /There is no token on standard input/],
  ['--az without a tenant', ['--az'], /GRAPH_TENANT_ID is not set/],
] as const) {
  test(`${what} is told as such`, async () => {
    const { code, err } = await ops(['smoke', 'obo', '--url', origin, ...args])
    assert.equal(code, 1)
    assert.match(err, says)
  })
}

test('two ways to a token at once are a mistake of the command line', async () => {
  const { code, err } = await ops(['smoke', 'obo', '--url', origin, '--token-stdin', '--az'])
  assert.equal(code, 2)
  assert.match(err, /cannot be used with/)
})
