import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { request } from 'undici'
import { CONDITIONAL_ACCESS_CLAIMS, revocationClaims } from '../../emulator/entra/claims-request.ts'
import type { MintOptions } from '../../emulator/mint.ts'
import { signIn } from '../../emulator/sign-in.ts'
import { type Env, eventually, listen, toolCall } from '../helper.ts'
import { file, type HttpResponse, modernToolCall, post, reasonOf } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** Every row of "what a failure tells the user", by real requests in both protocol eras. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin, logs } = await listen(file, {}, tenant)

type Ask = (
  token: string | undefined,
  args?: Record<string, unknown>,
  at?: string,
  tool?: string,
) => Promise<HttpResponse>

const eras: Readonly<Record<string, Ask>> = {
  '2025': (token, args = { top: 1 }, at = origin, tool = 'getMessages') => post(at, toolCall(tool, args), token),
  '2026': (token, args = { top: 1 }, at = origin, tool = 'getMessages') => {
    const { message, headers } = modernToolCall(tool, args)
    return post(at, message, token, headers)
  },
}

function textOf({ body }: HttpResponse): string {
  return body.result?.content?.[0]?.text ?? ''
}

/** What a tool error says to programs. */
function metaOf({ body }: HttpResponse): Readonly<Record<string, unknown>> {
  return body.result?._meta?.['mcp-message-center-server/error'] ?? {}
}

const exchangesOf = (user: string) => tenant.stats.snapshot().exchangesByUser[`${user}@contoso.example`] ?? 0
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const badTokens: Readonly<Record<string, readonly [MintOptions, string]>> = {
  'signed by somebody else': [{ key: 'foreign' }, 'bad_signature'],
  'that has expired': [{ claims: { exp: 1_700_000_000 } }, 'expired'],
  'of another tenant': [{ claims: { tid: '00000000-0000-4000-8000-000000000000' } }, 'wrong_tenant'],
  'for another API': [{ claims: { aud: 'api://another' } }, 'wrong_audience'],
  'for Graph': [{ kind: 'graph' }, 'graph_audience'],
  'that only says who somebody is': [{ kind: 'id', claims: { aud: tenant.api.clientId } }, 'id_token'],
}

function challengeOf({ headers }: HttpResponse): Record<string, string> {
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

const badInputs: readonly (readonly [string, Record<string, unknown>, string, RegExp])[] = [
  ['getMessages', { service: 'x' }, 'service', /There is no argument "service"; there are: services, /],
  ['getMessages', { Top: 5 }, 'Top', /there are: .*top/],
  ['getMessages', { top: 1001 }, 'top', /0 to 1000/],
  ['getMessages', { top: 'five' }, 'top', /0 to 1000/],
  ['getMessages', { top: 1.5 }, 'top', /0 to 1000/],
  ['getMessages', { top: '1001' }, 'top', /0 to 1000/],
  ['getMessages', { skip: -1 }, 'skip', /nextSkip/],
  ['getMessages', { pageSize: 0 }, 'pageSize', /1 to 1000/],
  ['getMessages', { count: 'yes' }, 'count', /Default: true/],
  ['getMessages', { services: { name: 'Teams' } }, 'services', /part of a service name/],
  ['getMessages', { services: ['Teams', 5] }, 'services.1', /part of a service name/],
  ['getMessages', { services: ['--'] }, 'services', /names of products/],
  ['getMessages', { category: 'PlanForChange' }, 'category', /planForChange, stayInformed, preventOrFixIssue/],
  ['getMessages', { severity: 'low' }, 'severity', /normal, high, critical/],
  ['getMessages', { isMajorChange: 'yes' }, 'isMajorChange', /major changes only/],
  ['getMessages', { unreadOnly: 1 }, 'unreadOnly', /has not read/],
  ['getMessages', { search: '"\'"' }, 'search', /words of letters or figures/],
  ['getMessages', { modifiedSince: '2026-13-45' }, 'modifiedSince', /a date that exists/],
  ['getMessages', { modifiedSince: '2026-02-30' }, 'modifiedSince', /a date that exists/],
  ['getMessages', { startedSince: '2026-04-31T10:00:00Z' }, 'startedSince', /a date that exists/],
  ['getMessages', { actionRequiredAfter: '2026-01-01T25:00:00Z' }, 'actionRequiredAfter', /a date that exists/],
  ['getMessages', { actionRequiredBefore: '2026-01-01T10:00:00' }, 'actionRequiredBefore', /with its zone/],
  ['getMessages', { modifiedSince: 'last week' }, 'modifiedSince', /2026-12-01.*7d/],
  ['getMessages', { milestoneBefore: '30 fortnights' }, 'milestoneBefore', /a duration from now \(30d/],
  ['getMessages', { ids: ['MC1', '7'] }, 'ids.1', /MC1234567/],
  ['getMessages', { view: 'full' }, 'view', /compact.*standard.*graph/],
  ['getMessages', { body: 'text', top: 101 }, 'top', /0 to 100/],
  ['getMessages', { orderby: 'colour desc' }, 'orderby', /fields of a message, and "colour" is none of id, title/],
  ['getDigest', { since: 'a while ago' }, 'since', /7d/],
  ['getDigest', { horizon: '2026-02-30' }, 'horizon', /60d/],
  ['getMessages', { filter: "title eq 'x') or (1 eq 1" }, 'filter', /balanced/],
  ['getMessages', { filter: "title eq 'x" }, 'filter', /balanced/],
  ['getMessages', { orderby: 'title; drop' }, 'orderby', /fields with asc or desc/],
  ['getMessages', { prefer: 'respond-async' }, 'prefer', /odata.maxpagesize/],
  ['getMessages', { roadmapId: 'x' }, 'roadmapId', /Microsoft 365 roadmap id/],
  ['getMessages', { body: 'markdown' }, 'body', /none, text, html/],
  ['getMessage', {}, 'id', /is missing.*such as MC1234567/],
  ['getMessage', { id: 'mc1234567' }, 'id', /such as MC1234567/],
  ['getMessage', { id: 'MC1234567 ' }, 'id', /such as MC1234567/],
  ['getMessage', { id: '../messages' }, 'id', /such as MC1234567/],
  ['getMessage', { id: 1234567 }, 'id', /such as MC1234567/],
  ['getMessage', { id: 'MC1234567', body: 'full' }, 'body', /none, text, html/],
  ['getMessage', { id: 'MC1234567', bodys: 1 }, 'bodys', /there are: id, body/],
]

for (const [era, ask] of Object.entries(eras)) {
  test(`no token is a 401 that says where to sign in and for what, without an error (${era})`, async () => {
    const response = await ask(undefined)
    assert.equal(response.status, 401)
    assert.deepEqual(challengeOf(response), {
      resource_metadata: `${origin}/.well-known/oauth-protected-resource/mcp`,
      scope: 'access_as_user',
    })
  })

  for (const [what, [options, reason]] of Object.entries(badTokens)) {
    test(`a token ${what} is a 401 that says what is wrong with it (${era})`, async () => {
      const response = await ask(await tenant.mint({ user: 'rowan', ...options }))
      assert.equal(response.status, 401)
      assert.equal(reasonOf(response), reason)
      const { error, resource_metadata } = challengeOf(response)
      assert.equal(error, 'invalid_token')
      assert.equal(resource_metadata, `${origin}/.well-known/oauth-protected-resource/mcp`)
    })
  }

  for (const user of ['mika', 'signe']) {
    test(`Conditional Access is a claims challenge that a new sign-in satisfies: ${user} (${era})`, async () => {
      const token = await tenant.mint({ user })
      const rejected = await ask(token)
      assert.equal(rejected.status, 401)
      const { error, claims = '', authorization_uri } = challengeOf(rejected)
      assert.equal(error, 'insufficient_claims')
      assert.equal(authorization_uri, `${origin}/authorize`)
      const asked = Buffer.from(claims, 'base64').toString()
      assert.equal(asked, CONDITIONAL_ACCESS_CLAIMS)

      const before = exchangesOf(user)
      assert.equal(challengeOf(await ask(token))['claims'], claims, 'the old token is challenged again')
      assert.equal(exchangesOf(user), before, 'and Entra is not asked again')
      assert.equal((await ask(await signInAgain(user))).status, 401, 'a sign-in without the claims is not enough')
      const response = await ask(await signInAgain(user, asked))
      assert.equal(response.body.result?.isError, undefined)
      assert.equal(response.status, 200)
    })
  }

  for (const [user, reason] of [
    ['blake', 'access_blocked'],
    ['dana', 'user_not_allowed'],
    ['una', 'user_not_allowed'],
  ] as const) {
    test(`a user whom Entra denies is a 403: ${user} (${era})`, async () => {
      const response = await ask(await tenant.mint({ user }))
      assert.equal(response.status, 403)
      assert.equal(reasonOf(response), reason)
      assert.equal(challengeOf(response)['claims'], undefined)
      assert.match(response.body.error?.message ?? '', /administrator/)
    })
  }

  for (const [code, status, reason] of [
    [50013, 401, 'assertion_rejected'],
    [500133, 401, 'assertion_rejected'],
    [50173, 401, 'assertion_rejected'],
    [70043, 401, 'assertion_rejected'],
    [500131, 401, 'assertion_rejected'],
    [53003, 403, 'access_blocked'],
    [50105, 403, 'user_not_allowed'],
    [50057, 403, 'user_not_allowed'],
  ] as const) {
    test(`AADSTS${code} is a ${status}, ${reason}, and none of Entra's words (${era})`, async (t) => {
      t.after(() => tenant.faults.clear())
      tenant.faults.add({ target: 'token', kind: 'aadsts', code, times: 1 })
      const response = await ask(await tenant.mint({ user: 'rowan' }))
      assert.deepEqual([response.status, reasonOf(response)], [status, reason])
      assert.equal(challengeOf(response)['error'], status === 401 ? 'invalid_token' : undefined)
      assert.doesNotMatch(response.text, /AADSTS|Trace ID/)
    })
  }

  test(`a missing consent is a tool error with the link to fix it (${era})`, async () => {
    const response = await ask(await tenant.mint({ user: 'cato' }))
    assert.equal(response.status, 200)
    assert.equal(reasonOf(response), 'user_consent_required')
    const link = `${tenant.origin}/${tenant.tenantId}/adminconsent?client_id=${tenant.api.clientId}`
    assert.ok(textOf(response).includes(link))
    assert.deepEqual(metaOf(response), { reason: 'user_consent_required', retryable: false, link })
  })

  test(`a consent that only an administrator can give says so (${era})`, async (t) => {
    t.after(() => {
      tenant.tenant.consent.apiToGraph = 'granted'
    })
    tenant.tenant.consent.apiToGraph = 'admin_required'
    const response = await ask(await tenant.mint({ user: 'rowan' }))
    assert.equal(reasonOf(response), 'admin_consent_required')
    assert.match(textOf(response), /administrator/)
    assert.match(String(metaOf(response)['link']), /\/adminconsent\?client_id=/)
  })

  test(`a user without the role is told which one (${era})`, async () => {
    const response = await ask(await tenant.mint({ user: 'nico' }))
    assert.equal(response.status, 200)
    assert.equal(response.body.result?.isError, true)
    assert.match(textOf(response), /Message Center Reader/)
    const { graphRequestId, ...told } = metaOf(response)
    const { retryAfterSeconds, ...others } = told
    assert.deepEqual(others, { reason: 'graph_forbidden', retryable: false })
    assert.ok(Number(retryAfterSeconds) > 0 && Number(retryAfterSeconds) <= 300, String(retryAfterSeconds))
    assert.match(String(graphRequestId), guid)
  })

  test(`a post that has expired is not found, and the snapshot stays (${era})`, async (t) => {
    const own = await ownServer(t, { GRAPH_CACHE_TTL: '5m' })
    const token = await tenant.mint({ user: 'load-2' })
    const structured = async (args: Record<string, unknown>) =>
      (await ask(token, args, own.origin)).body.result?.structuredContent
    assert.ok(await structured({ top: 3, body: 'text' }))
    const before = tenant.stats.snapshot().endpoints.graph
    const gone = await ask(token, { id: 'MC1' }, own.origin, 'getMessage')
    assert.equal(metaOf(gone)['reason'], 'graph_not_found')
    assert.match(textOf(gone), /expire/)
    assert.deepEqual((await structured({ ids: ['MC1'] }))?.['missing'], ['MC1'])
    assert.equal(typeof (await structured({ top: 3 }))?.['ageSeconds'], 'number')
    assert.equal(tenant.stats.snapshot().endpoints.graph, before, 'what was read a moment ago is not read again')
  })

  test(`Graph’s 403 about a resource that does not exist takes nothing away from the user (${era})`, async (t) => {
    const own = await ownServer(t, { GRAPH_CACHE_TTL: '5m' })
    const token = await tenant.mint({ user: 'load-2' })
    assert.equal((await ask(token, { top: 3 }, own.origin)).body.result?.isError, undefined)
    const inner = JSON.stringify({ error: "Resource doesn't exist for the tenant. ActivityId: 4f2d" })
    const message = JSON.stringify({ code: 'forbidden', message: inner })
    const body = { error: { code: 'UnknownError', message } }
    tenant.faults.add({ target: 'graph', kind: 'status', status: 403, body, times: 2 })
    const raw = await ask(token, { filter: "id eq 'MC1'" }, own.origin)
    assert.equal(metaOf(raw)['reason'], 'graph_response_invalid', 'a list is no message')
    const { result } = (await ask(token, { top: 3, fresh: true }, own.origin)).body
    assert.equal(result?.structuredContent?.['stale'], true)
    assert.equal((await ask(token, { fresh: true }, own.origin)).body.result?.structuredContent?.['stale'], undefined)
  })

  test(`a role that was taken away is told at the next read, and what was read before is shown no more (${era})`, async (t) => {
    const own = await ownServer(t, { GRAPH_CACHE_TTL: '5m' })
    const [token, other] = await Promise.all(['load-3', 'load-4'].map((user) => tenant.mint({ user })))
    for (const each of [token, other])
      assert.ok((await ask(each, { top: 3 }, own.origin)).body.result?.structuredContent)
    const user = tenant.tenant.directory.find('load-3')
    assert.ok(user)
    const { roles } = user
    t.after(() => {
      user.roles = roles
    })
    user.roles = []
    assert.equal(reasonOf(await ask(token, { fresh: true }, own.origin)), 'graph_forbidden')
    assert.equal(reasonOf(await ask(token, { top: 3 }, own.origin)), 'graph_forbidden', 'no snapshot answers any more')
    assert.equal(typeof (await ask(other, {}, own.origin)).body.result?.structuredContent?.['ageSeconds'], 'number')
  })

  test(`Graph's own claims challenge reaches the client, and the token it rejected is not used again (${era})`, async () => {
    const token = await tenant.mint({ user: 'load-1' })
    assert.equal((await ask(token)).status, 200)
    const user = tenant.tenant.directory.find('load-1')
    assert.ok(user)
    tenant.tenant.revokeSessions(user, Math.floor(Date.now() / 1000))
    const rejected = await ask(token)
    assert.equal(rejected.status, 401)
    const { error, claims = '' } = challengeOf(rejected)
    assert.equal(error, 'insufficient_claims')
    assert.equal(Buffer.from(claims, 'base64').toString(), revocationClaims(user.sessionsValidFrom))
    // Now Entra is asked again, and rejects the revoked assertion itself.
    const again = await ask(token)
    assert.equal(again.status, 401)
    assert.equal(reasonOf(again), 'assertion_rejected')
    user.sessionsValidFrom = 0
  })

  test(`Graph's limits are a tool error with the seconds to wait (${era})`, async (t) => {
    const token = await tenant.mint({ user: 'rowan' })
    for (const retryAfter of [120, new Date(Date.now() + 119_500).toUTCString()]) {
      // A server that was told to wait asks Graph no more: a new one each time.
      const own = await ownServer(t)
      tenant.faults.clear()
      tenant.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter })
      const before = tenant.stats.snapshot().endpoints.graph
      const response = await ask(token, { top: 1 }, own.origin)
      const { reason, retryable, retryAfterSeconds } = metaOf(response)
      assert.deepEqual([response.status, reason, retryable], [200, 'graph_throttled', true])
      assert.ok(textOf(response).includes(`Try again in ${retryAfterSeconds} s`))
      assert.ok(Number(retryAfterSeconds) > 115 && Number(retryAfterSeconds) <= 120, String(retryAfterSeconds))
      assert.equal(tenant.stats.snapshot().endpoints.graph, before + 1, 'so long a wait is the caller’s to make')
    }
  })

  test(`a short limit is waited for, in either form of Retry-After (${era})`, async (t) => {
    t.after(() => tenant.faults.clear())
    const token = await tenant.mint({ user: 'rowan' })
    for (const retryAfter of [0, new Date().toUTCString()]) {
      tenant.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter, times: 1 })
      const response = await ask(token)
      assert.equal(response.body.result?.isError, undefined, String(retryAfter))
    }
  })

  test(`Graph down, throttled or its quota spent: what was read before is the answer, and says so (${era})`, async (t) => {
    const token = await tenant.mint({ user: 'rowan' })
    for (const [rule, env] of [
      [{ kind: 'status', status: 503 }, {}],
      [{ kind: 'status', status: 429, retryAfter: 120 }, {}],
      [{ kind: 'reset' }, {}],
      [{ kind: 'delay', delayMs: 0 }, { GRAPH_CALLS_PER_MINUTE: '1' }],
    ] as const) {
      const own = await ownServer(t, env)
      const { value } = (await ask(token, { top: 2 }, own.origin)).body.result?.structuredContent ?? {}
      tenant.faults.add({ target: 'graph', ...rule })
      const { structuredContent, isError } = (await ask(token, { top: 2 }, own.origin)).body.result ?? {}
      assert.equal(isError, undefined)
      assert.deepEqual([structuredContent?.['stale'], structuredContent?.['value']], [true, value])
      assert.equal(typeof structuredContent?.['ageSeconds'], 'number')
      assert.match(reasonOf(await ask(await tenant.mint({ user: 'gale' }), {}, own.origin)) ?? '', /^graph_/)
      tenant.faults.clear()
    }
  })

  test(`Graph's trouble is a retryable tool error with Graph's request id (${era})`, async (t) => {
    t.after(() => tenant.faults.clear())
    tenant.faults.add({ target: 'graph', kind: 'status', status: 503 })
    const response = await ask(await tenant.mint({ user: 'rowan' }))
    const { graphRequestId, ...told } = metaOf(response)
    assert.deepEqual(told, { reason: 'graph_unavailable', retryable: true })
    assert.match(String(graphRequestId), guid)
    assert.ok(textOf(response).includes(String(graphRequestId)))
    await eventually(() =>
      logs.some((line) => line.event === 'graph_call' && line['graphRequestId'] === graphRequestId),
    )
  })

  test(`Graph's trouble that lasts as long as Graph says is told with the seconds to wait (${era})`, async (t) => {
    t.after(() => tenant.faults.clear())
    tenant.faults.add({ target: 'graph', kind: 'status', status: 503, retryAfter: 120 })
    const response = await ask(await tenant.mint({ user: 'rowan' }))
    const { reason, retryAfterSeconds } = metaOf(response)
    assert.deepEqual([reason, retryAfterSeconds], ['graph_unavailable', 120])
    assert.ok(textOf(response).includes('Try again in 120 s.'), textOf(response))
  })

  test(`a token that Graph rejects without a challenge is not used again (${era})`, async (t) => {
    t.after(() => tenant.faults.clear())
    const token = await tenant.mint({ user: 'load-2' })
    assert.equal((await ask(token)).body.result?.isError, undefined)
    tenant.faults.add({
      target: 'graph',
      kind: 'graph-error',
      status: 401,
      code: 'InvalidAuthenticationToken',
      times: 1,
    })
    const before = exchangesOf('load-2')
    assert.equal(reasonOf(await ask(token)), 'graph_token_rejected')
    assert.equal((await ask(token)).body.result?.isError, undefined)
    assert.equal(exchangesOf('load-2'), before + 1)
  })

  for (const [tool, args, field, takes] of badInputs) {
    test(`${tool} names the field that does not fit and what it takes: ${JSON.stringify(args)} (${era})`, async () => {
      const response = await ask(await tenant.mint({ user: 'gale' }), args, origin, tool)
      assert.deepEqual([response.status, response.body.result?.isError], [200, true])
      assert.deepEqual(metaOf(response), { reason: 'invalid_input', retryable: false })
      assert.ok(textOf(response).includes(`"${field}"`), textOf(response))
      assert.match(textOf(response), takes)
    })
  }

  test(`all that is wrong with an input is said at once (${era})`, async () => {
    const response = await ask(await tenant.mint({ user: 'gale' }), { top: -1, severity: 'low', service: 'x' })
    for (const field of ['top', 'severity', 'service']) assert.ok(textOf(response).includes(`"${field}"`), field)
  })

  test(`a call that does not fit asks Graph nothing (${era})`, async () => {
    const before = tenant.stats.snapshot().endpoints.graph
    await ask(await tenant.mint({ user: 'gale' }), { top: 1001 })
    assert.equal(tenant.stats.snapshot().endpoints.graph, before)
  })
}

/** A server of the test's own, so that what it remembers of Entra's rejections is nobody else's. */
async function ownServer(t: Parameters<typeof listen>[0], env: Env = {}) {
  t.after(() => tenant.faults.clear())
  return listen(t, env, tenant)
}

test('our own bad credential is a 503 for callers, one loud line for operators, and a pause for Entra', async (t) => {
  const own = await ownServer(t, { GRAPH_CLIENT_SECRET: 'expired' })
  const exchanges = () => tenant.stats.snapshot().endpoints.token
  const before = exchanges()
  for (const user of ['rowan', 'gale', 'priya']) {
    const response = await post(own.origin, toolCall('getMessages'), await tenant.mint({ user }))
    assert.equal(response.status, 503)
    assert.equal(response.headers['www-authenticate'], undefined)
    assert.doesNotMatch(response.text, /secret|AADSTS|credential/)
  }
  assert.equal(exchanges() - before, 1)
  const loud = own.logs.filter(({ event, level }) => event === 'obo_failure' && level === 50)
  assert.equal(loud.length, 1)
  assert.match(String(loud[0]?.['msg']), /credential: renew it/)
})

for (const code of [7000215, 7000222, 700027]) {
  test(`AADSTS${code} is the server's trouble and nobody else's: 503, without a challenge to loop on`, async (t) => {
    const own = await ownServer(t)
    tenant.faults.add({ target: 'token', kind: 'aadsts', code })
    const response = await post(own.origin, toolCall('getMessages'), await tenant.mint({ user: 'rowan' }))
    assert.equal(response.status, 503)
    assert.equal(response.headers['www-authenticate'], undefined)
    assert.doesNotMatch(response.text, /AADSTS|credential|secret/)
    assert.ok(
      own.logs.some(
        ({ event, level, reason }) => event === 'obo_failure' && level === 50 && reason === 'credential_rejected',
      ),
    )
  })
}

test('a scope that Entra does not know is a 500 that tells callers nothing, and operators where to look', async (t) => {
  const own = await ownServer(t, { GRAPH_OBO_SCOPES: 'https://unknown.example/.default' })
  const response = await post(own.origin, toolCall('getMessages'), await tenant.mint({ user: 'rowan' }))
  assert.equal(response.status, 500)
  assert.doesNotMatch(response.text, /unknown\.example|AADSTS/)
  const loud = own.logs.find(({ event, level }) => event === 'obo_failure' && level === 50)
  assert.match(String(loud?.['msg']), /GRAPH_OBO_SCOPES/)
  // Who comes while Entra is left alone hears the same, and nobody is sent to renew a credential that is good.
  const next = await post(own.origin, toolCall('getMessages'), await tenant.mint({ user: 'gale' }))
  assert.equal(next.status, 500)
  assert.match(String(next.headers['retry-after']), /^[1-5]$/)
  assert.doesNotMatch(next.text, /unknown\.example|AADSTS/)
  const failed = () => own.logs.filter(({ event }) => event === 'failure').map((line) => line['reason'])
  await eventually(() => failed().length === 2)
  assert.deepEqual(failed(), ['exchange_misconfigured', 'exchange_misconfigured'])
})

test('an Entra that fails and says for how long is asked once, and every call of that user is told', async (t) => {
  const own = await ownServer(t)
  tenant.faults.add({ target: 'token', kind: 'status', status: 503, retryAfter: 30, user: 'rowan@contoso.example' })
  const token = await tenant.mint({ user: 'rowan' })
  const { endpoints } = tenant.stats.snapshot()
  for (let call = 1; call <= 3; call++) {
    const response = await post(own.origin, toolCall('getMessages'), token)
    assert.equal(response.status, 503)
    assert.match(String(response.headers['retry-after']), /^(2[6-9]|30)$/)
  }
  assert.equal(tenant.stats.snapshot().endpoints.token - endpoints.token, 1)
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

for (const [era, ask] of Object.entries(eras)) {
  test(`without sign-in a tool asks for it, or takes the token that came with the call (${era})`, async (t) => {
    const own = await ownServer(t, { MCP_REQUIRE_AUTH: 'false' })
    const asked = await ask(undefined, {}, own.origin)
    assert.equal(asked.status, 200)
    assert.deepEqual(metaOf(asked), { reason: 'sign_in_required', retryable: false })
    const accessToken = await tenant.mint({ user: 'gale', kind: 'graph' })
    const { result } = (await ask(undefined, { top: 1, accessToken }, own.origin)).body
    assert.equal(result?.isError, undefined)
    assert.ok(result?.structuredContent)
  })

  test(`without sign-in GRAPH_ACCESS_TOKEN reads for everybody, and says so when it has expired (${era})`, async (t) => {
    const good = await tenant.mint({ user: 'gale', kind: 'graph' })
    const over = await tenant.mint({ user: 'gale', kind: 'graph', claims: { exp: 1_700_000_000 } })
    const [reading, rejected] = await Promise.all(
      [good, over].map(async (graphToken) => {
        const own = await ownServer(t, { MCP_REQUIRE_AUTH: 'false', GRAPH_ACCESS_TOKEN: graphToken })
        return ask(undefined, { top: 1 }, own.origin)
      }),
    )
    assert.ok(reading && rejected)
    assert.ok(reading.body.result?.structuredContent)
    assert.equal(reasonOf(rejected), 'graph_token_rejected')
  })

  test(`without sign-in a token that does come is judged all the same, and used (${era})`, async (t) => {
    const own = await ownServer(t, { MCP_REQUIRE_AUTH: 'false' })
    assert.equal((await ask(await tenant.mint({ key: 'foreign' }), {}, own.origin)).status, 401)
    assert.equal((await ask(await tenant.mint({ user: 'rowan' }), {}, own.origin)).body.result?.isError, undefined)
  })

  test(`accessToken where it is switched off is rejected by name, with the way out (${era})`, async (t) => {
    const own = await ownServer(t, { ALLOW_MCP_ACCESS_TOKEN_ARG: 'false' })
    const before = exchangesOf('priya')
    const response = await ask(await tenant.mint({ user: 'priya' }), { accessToken: 'eyJ.x.y' }, own.origin)
    assert.deepEqual(metaOf(response), { reason: 'accessToken_disabled', retryable: false })
    assert.match(textOf(response), /Sign in instead.*ALLOW_MCP_ACCESS_TOKEN_ARG=true/)
    assert.equal(exchangesOf('priya'), before, 'and nothing is exchanged for it')
  })
}

test('how a call ended stands in its log line', async () => {
  await eventually(() => logs.some((line) => line.event === 'request' && line['outcome'] === 'graph_forbidden'))
  const line = logs.find(({ event, tool }) => event === 'request' && tool === 'getMessages')
  assert.deepEqual(
    Object.keys(line ?? {})
      .filter((key) => !['level', 'time', 'pid', 'hostname', 'tenant', 'msg'].includes(key))
      .slice(0, 6),
    ['requestId', 'event', 'method', 'route', 'status', 'ms'],
  )
})
