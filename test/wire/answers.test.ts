import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { request } from 'undici'
import { startEmulator } from '../../emulator/app.ts'
import { signIn } from '../../emulator/sign-in.ts'
import { type Env, eventually, listen, toolCall } from '../helper.ts'
import { type Answer, file, modernToolCall, post, reasonOf } from '../security/harness.ts'

/** Every row of "what a failure tells the user", by real requests in both protocol eras. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin, logs } = await listen(file, {}, tenant)

type Ask = (token: string | undefined, args?: Record<string, unknown>, at?: string, tool?: string) => Promise<Answer>

const eras: Readonly<Record<string, Ask>> = {
  '2025': (token, args = { top: 1 }, at = origin, tool = 'getMessages') => post(at, toolCall(tool, args), token),
  '2026': (token, args = { top: 1 }, at = origin, tool = 'getMessages') => {
    const { message, headers } = modernToolCall(tool, args)
    return post(at, message, token, headers)
  },
}

function textOf({ body }: Answer): string {
  return body.result?.content?.[0]?.text ?? ''
}

function challengeOf({ headers }: Answer): Record<string, string> {
  const header = headers['www-authenticate']
  assert.equal(typeof header, 'string', 'exactly one challenge')
  return Object.fromEntries([...String(header).matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
}

/** A token of the client app, got as a client gets it: authorize with PKCE, then the code for a token. */
async function signInAgain(user: string, claims?: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const redirectUri = 'http://localhost:1'
  const scope = `${tenant.api.identifierUri}/access_as_user openid`
  const authorize = new URL(`${tenant.origin}/${tenant.tenantId}/oauth2/v2.0/authorize`)
  authorize.search = new URLSearchParams({
    client_id: tenant.client.clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    state: 's',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(claims !== undefined && { claims }),
  }).toString()
  const { parameters } = await signIn(authorize, { user })
  const { body } = await request(`${tenant.origin}/${tenant.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: tenant.client.clientId,
      code: parameters.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
      scope,
    }).toString(),
  })
  const { access_token } = (await body.json()) as { access_token: string }
  return access_token
}

for (const [era, ask] of Object.entries(eras)) {
  test(`no token is a 401 that says where to sign in and for what, without an error (${era})`, async () => {
    const answer = await ask(undefined)
    assert.equal(answer.status, 401)
    assert.deepEqual(challengeOf(answer), {
      resource_metadata: `${origin}/.well-known/oauth-protected-resource/mcp`,
      scope: `${tenant.api.identifierUri}/access_as_user`,
    })
  })

  for (const user of ['mika', 'signe']) {
    test(`Conditional Access is a claims challenge that a new sign-in satisfies: ${user} (${era})`, async () => {
      const refused = await ask(await tenant.mint({ user }))
      assert.equal(refused.status, 401)
      const { error, claims = '', authorization_uri } = challengeOf(refused)
      assert.equal(error, 'insufficient_claims')
      assert.equal(authorization_uri, `${tenant.origin}/${tenant.tenantId}/oauth2/v2.0/authorize`)
      const asked = Buffer.from(claims, 'base64').toString()
      assert.ok('access_token' in JSON.parse(asked))

      const answer = await ask(await signInAgain(user, asked))
      assert.equal(answer.body.result?.isError, undefined)
      assert.equal(answer.status, 200)
    })
  }

  for (const [user, reason] of [
    ['blake', 'access_blocked'],
    ['dana', 'user_not_allowed'],
    ['una', 'user_not_allowed'],
  ] as const) {
    test(`a user whom Entra does not let in is a 403: ${user} (${era})`, async () => {
      const answer = await ask(await tenant.mint({ user }))
      assert.equal(answer.status, 403)
      assert.equal(reasonOf(answer), reason)
    })
  }

  test(`a missing consent is a tool error with the link to mend it (${era})`, async () => {
    const answer = await ask(await tenant.mint({ user: 'cato' }))
    assert.equal(answer.status, 200)
    assert.equal(reasonOf(answer), 'user_consent_required')
    assert.ok(
      textOf(answer).includes(`${tenant.origin}/${tenant.tenantId}/adminconsent?client_id=${tenant.api.clientId}`),
    )
  })

  test(`a consent that only an administrator can give says so (${era})`, async (t) => {
    t.after(() => {
      tenant.tenant.consent.apiToGraph = 'granted'
    })
    tenant.tenant.consent.apiToGraph = 'admin_required'
    const answer = await ask(await tenant.mint({ user: 'rowan' }))
    assert.equal(reasonOf(answer), 'admin_consent_required')
    assert.match(textOf(answer), /administrator/)
  })

  test(`a user without the role is told which one (${era})`, async () => {
    const answer = await ask(await tenant.mint({ user: 'nico' }))
    assert.equal(answer.status, 200)
    assert.equal(answer.body.result?.isError, true)
    assert.match(textOf(answer), /Message Center Reader/)
  })

  test(`an assertion that was revoked is a 401 for a new sign-in (${era})`, async (t) => {
    t.after(() => tenant.faults.clear())
    tenant.faults.add({ target: 'token', kind: 'aadsts', code: 50173, times: 1 })
    const answer = await ask(await tenant.mint({ user: 'rowan' }))
    assert.equal(answer.status, 401)
    assert.equal(challengeOf(answer)['error'], 'invalid_token')
  })

  test(`Graph's own claims challenge reaches the client, and the token it refused is not used again (${era})`, async () => {
    const token = await tenant.mint({ user: 'load-1' })
    assert.equal((await ask(token)).status, 200)
    const user = tenant.tenant.directory.find('load-1')
    assert.ok(user)
    tenant.tenant.revokeSessions(user, Math.floor(Date.now() / 1000))
    const refused = await ask(token)
    assert.equal(refused.status, 401)
    const { error, claims = '' } = challengeOf(refused)
    assert.equal(error, 'insufficient_claims')
    assert.ok('access_token' in JSON.parse(Buffer.from(claims, 'base64').toString()))
    // Now Entra is asked again, and refuses the revoked assertion itself.
    const again = await ask(token)
    assert.equal(again.status, 401)
    assert.equal(reasonOf(again), 'assertion_refused')
    user.sessionsValidFrom = 0
  })

  test(`Graph's limits are a tool error with the seconds to wait (${era})`, async (t) => {
    t.after(() => tenant.faults.clear())
    tenant.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter: 120 })
    const answer = await ask(await tenant.mint({ user: 'rowan' }))
    assert.equal(reasonOf(answer), 'graph_throttled')
    assert.match(textOf(answer), /Try again in 120 s/)
  })

  test(`a short limit is waited for, in either form of Retry-After (${era})`, async (t) => {
    t.after(() => tenant.faults.clear())
    const token = await tenant.mint({ user: 'rowan' })
    for (const retryAfter of [0, new Date(Date.now() + 1_000).toUTCString()]) {
      tenant.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter, times: 1 })
      const answer = await ask(token)
      assert.equal(answer.body.result?.isError, undefined, String(retryAfter))
    }
  })

  test(`Graph's trouble is a retryable tool error with Graph's request id (${era})`, async (t) => {
    t.after(() => tenant.faults.clear())
    tenant.faults.add({ target: 'graph', kind: 'status', status: 503 })
    const answer = await ask(await tenant.mint({ user: 'rowan' }))
    assert.equal(reasonOf(answer), 'graph_unavailable')
    const told = answer.body.result?._meta?.['mcp-message-center-server/error']
    assert.equal((told as { retryable?: boolean }).retryable, true)
  })

  for (const [args, field, takes] of [
    [{ colour: 'red' }, 'colour', /There is no argument "colour"; there are: services, /],
    [{ top: 1001 }, 'top', /0 to 1000/],
    [{ top: '5' }, 'top', /0 to 1000/],
    [{ skip: -1 }, 'skip', /nextSkip/],
    [{ services: 'Teams' }, 'services', /part of a name/],
    [{ services: [] }, 'services', /part of a name/],
    [{ category: 'PlanForChange' }, 'category', /planForChange/],
    [{ severity: 'low' }, 'severity', /normal, high or critical/],
    [{ modifiedSince: '2026-13-45' }, 'modifiedSince', /a date that exists/],
    [{ modifiedSince: 'yesterday' }, 'modifiedSince', /2026-12-01/],
    [{ filter: "title eq 'x') or (1 eq 1" }, 'filter', /balanced/],
    [{ orderby: 'title; drop' }, 'orderby', /lastModifiedDateTime desc/],
    [{ prefer: 'respond-async' }, 'prefer', /odata.maxpagesize/],
    [{ roadmapId: 'x' }, 'roadmapId', /digits/],
    [{ body: 'markdown' }, 'body', /none \(default\), text, or html/],
    [[], 'arguments', /must be an object|arguments/i],
  ] as const) {
    test(`input that does not fit names the field and what it takes: ${JSON.stringify(args)} (${era})`, async () => {
      const answer = await ask(await tenant.mint({ user: 'rowan' }), args as unknown as Record<string, unknown>)
      if (Array.isArray(args)) return assert.match(answer.text, takes)
      assert.equal(answer.status, 200)
      assert.equal(reasonOf(answer), 'invalid_input')
      assert.match(textOf(answer), new RegExp(`"${field}"`))
      assert.match(textOf(answer), takes)
    })
  }
}

/** A server of the test's own, so that what it remembers of Entra's refusals is nobody else's. */
async function ownServer(t: Parameters<typeof listen>[0], env: Env = {}) {
  t.after(() => tenant.faults.clear())
  return listen(t, env, tenant)
}

test('our own bad credential is a 503 for callers, one loud line for operators, and a pause for Entra', async (t) => {
  const own = await ownServer(t, { GRAPH_CLIENT_SECRET: 'expired' })
  const exchanges = () => tenant.stats.snapshot().endpoints.token
  const before = exchanges()
  for (const user of ['rowan', 'gale', 'priya']) {
    const answer = await post(own.origin, toolCall('getMessages'), await tenant.mint({ user }))
    assert.equal(answer.status, 503)
    assert.equal(answer.headers['www-authenticate'], undefined)
    assert.doesNotMatch(answer.text, /secret|AADSTS|credential/)
  }
  assert.equal(exchanges() - before, 1)
  const loud = own.logs.filter(({ event, level }) => event === 'obo_failure' && level === 50)
  assert.equal(loud.length, 1)
  assert.match(String(loud[0]?.['msg']), /GRAPH_CLIENT_SECRET/)
})

test('a scope that Entra does not know is a 500 that tells callers nothing', async (t) => {
  const own = await ownServer(t, { GRAPH_OBO_SCOPES: 'https://unknown.example/.default' })
  const answer = await post(own.origin, toolCall('getMessages'), await tenant.mint({ user: 'rowan' }))
  assert.equal(answer.status, 500)
  assert.doesNotMatch(answer.text, /unknown\.example|AADSTS/)
})

test('Entra throttling one user is a 503 with Retry-After for that user alone', async (t) => {
  const own = await ownServer(t)
  tenant.faults.add({ target: 'token', kind: 'status', status: 429, retryAfter: 30, user: 'rowan@contoso.example' })
  const [rowan, gale] = await Promise.all(['rowan', 'gale'].map((user) => tenant.mint({ user })))
  const throttled = await post(own.origin, toolCall('getMessages'), rowan)
  assert.equal(throttled.status, 503)
  assert.match(String(throttled.headers['retry-after']), /^(29|30)$/)
  assert.equal((await post(own.origin, toolCall('getMessages'), gale)).status, 200)
})

test('without sign-in a tool asks for it, or uses the token that a local run was given', async (t) => {
  const graphToken = await tenant.mint({ user: 'gale', kind: 'graph' })
  const without = await ownServer(t, { MCP_REQUIRE_AUTH: 'false' })
  assert.equal(reasonOf(await post(without.origin, toolCall('getMessages'))), 'sign_in_required')
  const withArgument = await post(without.origin, toolCall('getMessages', { top: 1, accessToken: graphToken }))
  assert.equal(withArgument.body.result?.isError, undefined)

  const given = await ownServer(t, { MCP_REQUIRE_AUTH: 'false', GRAPH_ACCESS_TOKEN: graphToken })
  assert.equal((await post(given.origin, toolCall('getMessages'))).body.result?.isError, undefined)
})

test('accessToken where it is switched off is refused by name, with the way out', async (t) => {
  const own = await ownServer(t, { ALLOW_MCP_ACCESS_TOKEN_ARG: 'false' })
  const token = await tenant.mint({ user: 'rowan' })
  const answer = await post(own.origin, toolCall('getMessages', { accessToken: 'eyJ.x.y' }), token)
  assert.equal(reasonOf(answer), 'accessToken_disabled')
  assert.match(textOf(answer), /Sign in instead.*ALLOW_MCP_ACCESS_TOKEN_ARG=true/)
})

test('how a call ended stands in its log line', async () => {
  await eventually(() => logs.some((line) => line.event === 'request' && line['outcome'] === 'graph_forbidden'))
  const line = logs.find(({ event, tool }) => event === 'request' && tool === 'getMessages')
  assert.deepEqual(
    Object.keys(line ?? {})
      .filter((key) => !['level', 'time', 'pid', 'hostname', 'msg'].includes(key))
      .slice(0, 6),
    ['requestId', 'event', 'method', 'route', 'status', 'ms'],
  )
})
