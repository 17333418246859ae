import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { FaultRule } from '../../../emulator/fault-rule.ts'
import type { Reason } from '../../../src/errors/index.ts'
import { TransportError } from '../../../src/lib/bounded-client.ts'
import { withClientSecret } from '../../../src/plugins/client-credential/client-authentication.ts'
import { createOnBehalfOf, type OnBehalfOfOptions } from '../../../src/plugins/obo-token-cache/on-behalf-of.ts'
import { ample } from '../../helper.ts'
import { claimsOf, startTokenEndpoint } from '../../token-endpoint.ts'

const { tenant, posted, options } = await startTokenEndpoint()
const { tenantId, api } = tenant
const { endpoints } = options
const scopes = ['https://graph.microsoft.com/.default']

const create = (own: Partial<OnBehalfOfOptions> = {}) => createOnBehalfOf({ ...options, tenantId, ...own })
const exchange = create()
const ask = async (user: string) =>
  exchange({ assertion: await tenant.mint({ user }), scopes, correlationId: randomUUID(), deadline: ample() })

test('an assertion gives the same user’s Graph token and when it ends', async () => {
  const user = tenant.tenant.directory.find('rowan')
  const { accessToken, expiresAtMs } = await ask('rowan')
  const claims = claimsOf(accessToken)
  assert.equal(claims.oid, user?.id)
  assert.equal(claims.aud, 'https://graph.microsoft.com')
  assert.ok(Math.abs(claims.exp * 1000 - expiresAtMs) < 5_000)
})

test('nothing but the token and its end is given on: no refresh token, no ID token', async () => {
  assert.deepEqual(Object.keys(await ask('rowan')), ['accessToken', 'expiresAtMs'])
})

test('MSAL posts the On-Behalf-Of grant, once, to the tenant’s token endpoint', async () => {
  const assertion = await tenant.mint({ user: 'rowan' })
  const correlationId = randomUUID()
  await exchange({ assertion, scopes, correlationId, deadline: ample() })
  const [request, ...more] = posted
  assert.deepEqual(more, [])
  const url = new URL(request?.url ?? '')
  assert.equal(url.origin + url.pathname, endpoints.tokenUrl)
  assert.equal(url.searchParams.get('client-request-id'), correlationId)
  assert.equal(request?.method, 'POST')
  const form = new URLSearchParams(request?.body)
  assert.deepEqual(
    Object.fromEntries(
      ['grant_type', 'requested_token_use', 'assertion', 'client_id', 'client_secret'].map((name) => [
        name,
        form.getAll(name),
      ]),
    ),
    {
      grant_type: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
      requested_token_use: ['on_behalf_of'],
      assertion: [assertion],
      client_id: [api.clientId],
      client_secret: [api.clientSecret],
    },
  )
  assert.ok(form.get('scope')?.startsWith(`${scopes[0]} `))
  assert.ok(!request?.url.includes(assertion))
})

test('nothing is cached: the same assertion is exchanged each time', async () => {
  tenant.stats.reset()
  const assertion = await tenant.mint({ user: 'gale' })
  for (let i = 0; i < 3; i++) await exchange({ assertion, scopes, correlationId: randomUUID(), deadline: ample() })
  assert.equal(tenant.stats.snapshot().grants.on_behalf_of, 3)
})

test('a hundred exchanges of ten users at once: each gets their own', async () => {
  const users = Array.from({ length: 10 }, (_, i) => `load-${70_000 + i}`)
  await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const user = users[i % users.length] ?? ''
      const { accessToken } = await ask(user)
      assert.equal(claimsOf(accessToken).oid, tenant.tenant.directory.find(user)?.id)
    }),
  )
})

test('one user’s throttling is not the next user’s', async () => {
  tenant.faults.add({ target: 'token', kind: 'status', status: 429, retryAfter: 60, times: 1 })
  await assert.rejects(ask('rowan'), {
    name: 'Failure',
    reason: 'exchange_throttled',
    details: { retryAfterSeconds: 60, cause: { status: 429 } },
  })
  assert.ok((await ask('gale')).accessToken)
  assert.ok((await ask('rowan')).accessToken)
})

for (const [user, reason] of [
  ['mika', 'claims_required'],
  ['signe', 'claims_required'],
  ['blake', 'access_blocked'],
  ['dana', 'user_not_allowed'],
  ['una', 'user_not_allowed'],
  ['cato', 'user_consent_required'],
] as const satisfies readonly [string, Reason][]) {
  test(`${user} is ${reason}`, async () => {
    await assert.rejects(ask(user), { name: 'Failure', reason })
  })
}

for (const user of ['mika', 'signe']) {
  test(`the claims ${user} has to bring come as JSON, whichever error they rode on`, async () => {
    await assert.rejects(ask(user), (error: { details: { claims: string } }) => {
      assert.ok(JSON.parse(error.details.claims).access_token)
      return true
    })
  })
}

test('a token without an expiry has expired: it serves one call and is not cached', async () => {
  const body = { access_token: 'x', token_type: 'Bearer' }
  tenant.faults.add({ target: 'token', kind: 'status', status: 200, body })
  const { expiresAtMs } = await ask('rowan')
  // MSAL counts in whole seconds.
  assert.ok(expiresAtMs <= Date.now() + 1_000, `${expiresAtMs}`)
})

test('a wrong secret is the server’s error', async () => {
  const wrong = create({ withClientAuth: withClientSecret('not-the-secret') })
  const assertion = await tenant.mint({ user: 'rowan' })
  await assert.rejects(wrong({ assertion, scopes, correlationId: randomUUID(), deadline: ample() }), {
    reason: 'credential_rejected',
  })
})

test('an assertion for another API is rejected', async () => {
  const assertion = await tenant.mint({ user: 'rowan', claims: { aud: 'api://another' } })
  await assert.rejects(exchange({ assertion, scopes, correlationId: randomUUID(), deadline: ample() }), {
    reason: 'assertion_rejected',
  })
})

const faults: readonly [name: string, rule: Omit<FaultRule, 'target'>, reason: Reason][] = [
  ['{} with 200', { kind: 'empty-object' }, 'exchange_unavailable'],
  ['{} with 500', { kind: 'empty-object', status: 500 }, 'exchange_unavailable'],
  ['{} with 400', { kind: 'empty-object', status: 400 }, 'exchange_unavailable'],
  [
    'an empty access_token',
    { kind: 'status', status: 200, body: { access_token: '', expires_in: 3600, token_type: 'Bearer' } },
    'exchange_unavailable',
  ],
  ['null', { kind: 'status', status: 200, body: 'null' }, 'exchange_unavailable'],
  ['nothing', { kind: 'status', status: 200 }, 'exchange_unavailable'],
  ['wrong types', { kind: 'wrong-types' }, 'exchange_unavailable'],
  ['HTML with 200', { kind: 'html' }, 'exchange_unavailable'],
  ['HTML with 400', { kind: 'html', status: 400 }, 'exchange_unavailable'],
  ['HTML with 503', { kind: 'html', status: 503 }, 'exchange_unavailable'],
  ['half a response', { kind: 'truncated' }, 'exchange_unavailable'],
  ['a redirect', { kind: 'redirect' }, 'exchange_unavailable'],
  ['a reset', { kind: 'reset' }, 'exchange_unavailable'],
  ['no end of a response', { kind: 'endless' }, 'exchange_unavailable'],
  ['50 MB', { kind: 'huge' }, 'exchange_unavailable'],
  ['a gzip bomb', { kind: 'gzip-bomb' }, 'exchange_unavailable'],
  ['silence', { kind: 'hang' }, 'exchange_unavailable'],
  ['AADSTS50013', { kind: 'aadsts', code: 50013 }, 'assertion_rejected'],
  ['AADSTS65001 without its suberror', { kind: 'aadsts', code: 65001, suberror: null }, 'user_consent_required'],
  ['AADSTS7000222', { kind: 'aadsts', code: 7000222 }, 'credential_rejected'],
  ['AADSTS50196', { kind: 'aadsts', code: 50196 }, 'exchange_throttled'],
]
for (const [name, rule, reason] of faults) {
  test(`${name} from Entra is ${reason}`, async () => {
    tenant.faults.add({ target: 'token', ...rule })
    await assert.rejects(ask('rowan'), { name: 'Failure', reason })
  })
}

for (const [kind, expected] of [
  ['reset', 'unreachable'],
  ['hang', 'timeout'],
  ['huge', 'too_large'],
] as const) {
  test(`the cause of a failure says that Entra is ${expected}, and not what MSAL made of it`, async () => {
    tenant.faults.add({ target: 'token', kind })
    await assert.rejects(ask('rowan'), ({ cause }: Error) => {
      assert.ok(cause instanceof TransportError)
      assert.equal(cause.kind, expected)
      return true
    })
  })
}

test('a failure names no assertion, no secret and no token, however deep one looks', async () => {
  const assertion = await tenant.mint({ user: 'blake' })
  await assert.rejects(
    exchange({ assertion, scopes, correlationId: randomUUID(), deadline: ample() }),
    (error: Error) => {
      const shown = JSON.stringify(error, Object.getOwnPropertyNames(error)) + JSON.stringify(error.cause)
      assert.ok(shown.includes('53003'))
      for (const secret of [assertion, api.clientSecret]) assert.ok(!shown.includes(secret))
      return true
    },
  )
})

for (const [what, status, body] of [
  ['an error with 200', 200, { error: 'invalid_grant', error_description: 'AADSTS50105: rowan@contoso.example' }],
  ['an error', 400, { error: 'invalid_grant', error_description: 'AADSTS50105: rowan@contoso.example' }],
  ['text', 200, 'rowan@contoso.example is not assigned'],
  ['text with 400', 400, 'rowan@contoso.example is not assigned'],
] as const) {
  test(`a user whom Entra names in ${what} is in no failure, however deep one looks`, async () => {
    tenant.faults.add({ target: 'token', kind: 'status', status, body })
    const failure = await ask('rowan').then(
      () => assert.fail('It was exchanged'),
      (error: Error) => error,
    )
    assert.doesNotMatch(inspect(failure, { depth: Number.POSITIVE_INFINITY, showHidden: true }), /contoso\.example/)
  })
}
