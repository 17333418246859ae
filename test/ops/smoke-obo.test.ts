import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { Emulator } from '../../emulator/app.ts'
import { listen } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { enterDeviceCode, fakeAz, ops } from './helper.ts'
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

test('reads messages with clients of both eras, from the 401 on', async () => {
  const { code, out, err } = await withToken(await tenant.mint({ user: 'rowan' }))
  assert.equal(code, 0, err)
  assert.deepEqual(
    [...out.matchAll(/^✔ (\S.*?) +\d+ ms/gm)].map(([, hop]) => hop),
    hops,
  )
  assert.match(out, /connect, 2025 .*MCP 2025-11-25 with mcp-message-center-server/)
  assert.match(out, /connect, 2026 .*MCP 2026-07-28 with mcp-message-center-server/)
  assert.match(out, /token .*of rowan@contoso\.example, valid for 7\d minutes/)
  assert.match(out, /tools\/call first, 2025 .*MC\d+, one of 314/)
  assert.match(out, /Sign-in, OBO exchange and Graph work\.\n$/)
  assert.doesNotMatch(out + err, /eyJ/)
})

test('the whole run needs one exchange', async () => {
  const token = await tenant.mint({ user: 'load-00001' })
  const before = tenant.stats.snapshot().grants.on_behalf_of
  await withToken(token)
  assert.equal(tenant.stats.snapshot().grants.on_behalf_of, before + 1)
})

test('--json prints verdict and hops as one object', async () => {
  const { out } = await withToken(await tenant.mint({ user: 'rowan' }), origin, '--json')
  const result = JSON.parse(out)
  assert.equal(result.verdict, 'passed')
  assert.deepEqual(
    result.hops.map(({ hop }: { hop: string }) => hop),
    hops,
  )
  assert.ok(result.hops.every(({ ms, ok }: { ms: number; ok: boolean }) => ms >= 0 && ok))
})

test('--token-stdin takes precedence over the variable', async () => {
  const { code, out } = await ops(['smoke', 'obo', '--url', origin, '--token-stdin'], {
    stdin: Readable.from([`${await tenant.mint({ user: 'priya' })}\n`]),
    env: { MCP_ACCESS_TOKEN: 'another' },
  })
  assert.equal(code, 0)
  assert.match(out, /of priya@contoso\.example/)
})

test('without a token a browser opens to sign in', async () => {
  const { code, out, err } = await ops(['smoke', 'obo', '--url', origin, '--port', '0'], operatorsBrowser('rowan'))
  assert.equal(code, 0, err)
  assert.match(out, /✔ authorize /)
  assert.match(out, /Sign-in, OBO exchange and Graph work/)
})

test('a user who must use MFA signs in once more with the claims that Entra asked for', async () => {
  const { openBrowser, pages } = operatorsBrowser('mika')
  const { code, out, err } = await ops(['smoke', 'obo', '--url', origin, '--port', '0'], { openBrowser })
  assert.equal(code, 0, err)
  assert.equal(pages.length, 2)
  assert.match(err, /Entra requires more of this user, such as MFA: sign in again/)
  assert.match(out, /^✘ tools\/call first, 2025 [\s\S]*^✔ authorize [\s\S]*^✔ tools\/call first, 2025 /m)
  assert.match(out, /Sign-in, OBO exchange and Graph work\.\n$/)
})

test('the hint for the Azure CLI has tenant, scope and claims', async () => {
  const token = await tenant.mint({ user: 'mika' })
  const { err } = await ops(['smoke', 'obo', '--url', origin], { env: { ...registered, MCP_ACCESS_TOKEN: token } })
  const { tenantId, api } = tenant
  assert.match(
    err,
    new RegExp(
      `az login --tenant ${tenantId} --scope api://${api.clientId}/access_as_user --claims-challenge [\\w+/=]+`,
    ),
  )
})

const registered = { GRAPH_TENANT_ID: tenant.tenantId, GRAPH_CLIENT_ID: tenant.api.clientId }

test('--az gets the token from the Azure CLI', async (t) => {
  const env = { ...registered, ...fakeAz(t, tenant, 'rowan') }
  const { code, err } = await ops(['smoke', 'obo', '--url', origin, '--az'], { env })
  assert.equal(code, 0, err)
})

test('--device-code gets the token with a device code', async () => {
  const { code, out, err } = await ops(['smoke', 'obo', '--url', origin, '--device-code', tenant.client.clientId], {
    env: { ...registered, ENTRA_AUTHORITY_HOST: tenant.origin },
    onProgress: enterDeviceCode({ user: 'rowan' }),
  })
  assert.equal(code, 0, err)
  assert.match(out, /of rowan@contoso\.example/)
})

const rejectedCallers: readonly {
  what: string
  token: () => Promise<string> | string
  stopsAt: string
  message: RegExp
  next: RegExp
}[] = [
  {
    what: 'a user without the role',
    token: () => tenant.mint({ user: 'nico' }),
    stopsAt: 'tools/call first, 2025',
    message: /getMessages failed: graph_forbidden: /,
    next: /role that the error names/,
  },
  {
    what: 'a user who must use MFA',
    token: () => tenant.mint({ user: 'mika' }),
    stopsAt: 'tools/call first, 2025',
    message: /responded with 401 claims_required\. Entra requires additional claims/,
    next: /az login --tenant <tenant> --scope api:\/\/<client id>\/access_as_user --claims-challenge [\w+/=]+/,
  },
  {
    what: 'a user whom a policy blocks',
    token: () => tenant.mint({ user: 'blake' }),
    stopsAt: 'tools/call first, 2025',
    message: /responded with 403 access_blocked/,
    next: /Conditional Access/,
  },
  {
    what: 'a user who is not assigned',
    token: () => tenant.mint({ user: 'una' }),
    stopsAt: 'tools/call first, 2025',
    message: /responded with 403 user_not_allowed/,
    next: /Users and groups/,
  },
  {
    what: 'a user without consent to Graph',
    token: () => tenant.mint({ user: 'cato' }),
    stopsAt: 'tools/call first, 2025',
    message: /getMessages failed: user_consent_required: .*adminconsent/,
    next: /Have an administrator open the link/,
  },
  {
    what: 'an expired token',
    token: () => tenant.mint({ user: 'rowan', claims: { exp: Math.floor(Date.now() / 1000) - 3600 } }),
    stopsAt: 'connect, 2025',
    message: /responded with 401 expired/,
    next: /Get a new token/,
  },
  {
    what: 'a token for Graph',
    token: () => tenant.mint({ user: 'rowan', claims: { aud: 'https://graph.microsoft.com' } }),
    stopsAt: 'connect, 2025',
    message: /responded with 401 graph_audience/,
    next: /api:\/\/<GRAPH_CLIENT_ID>\/access_as_user/,
  },
  {
    what: 'a token of another tenant',
    token: () => tenant.mint({ user: 'rowan', claims: { tid: '00000000-0000-0000-0000-000000000001' } }),
    stopsAt: 'connect, 2025',
    message: /responded with 401 wrong_tenant/,
    next: /in the tenant GRAPH_TENANT_ID/,
  },
  {
    what: 'not a token',
    token: () => 'Bearer eyJ',
    stopsAt: 'token',
    message: /Not an Entra access token/,
    next: /the command token prints one/,
  },
]

for (const { what, token, stopsAt, message, next } of rejectedCallers) {
  test(`${what}: failed hop, message and remediation`, async () => {
    const { code, out, err } = await withToken(await token(), origin, '--json')
    assert.equal(code, 1)
    const { verdict, error, hops: done } = JSON.parse(out)
    assert.equal(verdict, 'failed')
    assert.deepEqual([done.at(-1).hop, done.at(-1).ok], [stopsAt, false])
    assert.match(error.message, message)
    assert.match(error.remediation, next)
    assert.ok(err.includes(error.message) && err.includes(error.remediation))
  })
}

/** Runs the command against a tenant and a server of its own, after `breakIt`. */
async function smokeBroken(t: TestContext, breakIt: (own: Emulator) => void, env: Record<string, string> = {}) {
  const own = await startEmulator()
  t.after(() => own.close())
  const server = await listen(t, env, own)
  breakIt(own)
  return withToken(await own.mint({ user: 'rowan' }), server.origin)
}

const failures: readonly {
  what: string
  breakIt: (own: Emulator) => void
  env?: Record<string, string>
  message: RegExp
  next: RegExp
}[] = [
  {
    what: 'a server whose secret is wrong',
    breakIt: () => undefined,
    env: { GRAPH_CLIENT_SECRET: 'not-the-secret-of-this-app' },
    message: /The server responded with 503\..*\(request id [\w-]+\)/,
    next: /Entra rejected its credential or is unreachable/,
  },
  {
    what: 'a Graph that limits requests',
    breakIt: (own) => own.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter: 77 }),
    message: /getMessages failed: graph_throttled/,
    next: /the whole tenant shares this limit\. Retry after 77 s\./,
  },
  {
    what: 'a Graph that fails',
    breakIt: (own) => own.faults.add({ target: 'graph', kind: 'html' }),
    message: /getMessages failed: graph_response_invalid/,
    next: /Try again.*The same call may succeed later\./,
  },
  {
    what: 'a server that limits its callers',
    breakIt: () => undefined,
    env: { RATE_LIMIT_USER_MAX: '2', RATE_LIMIT_WINDOW: '1 day' },
    message: /The server responded with 429 rate_limited/,
    next: /RATE_LIMIT_USER_MAX.*Retry after \d+ s\./,
  },
]

for (const { what, breakIt, env, message, next } of failures) {
  test(`${what}: message and remediation`, async (t) => {
    const { code, err, out } = await smokeBroken(t, breakIt, env)
    assert.equal(code, 1, out)
    assert.match(err, message)
    assert.match(err, next)
    assert.match(out, /^✘ /m)
  })
}

for (const [what, args, message] of [
  ['nothing on standard input', ['--token-stdin'], /No token on standard input/],
  ['--az without a tenant', ['--az'], /GRAPH_TENANT_ID is not set/],
] as const) {
  test(`${what} is an error`, async () => {
    const { code, err } = await ops(['smoke', 'obo', '--url', origin, ...args])
    assert.equal(code, 1)
    assert.match(err, message)
  })
}

test('two token sources are a usage error', async () => {
  const { code, err } = await ops(['smoke', 'obo', '--url', origin, '--token-stdin', '--az'])
  assert.equal(code, 2)
  assert.match(err, /cannot be used with/)
})
