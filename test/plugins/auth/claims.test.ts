import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason } from '../../../src/errors/index.ts'
import {
  checkClaims,
  checkHeader,
  type Expectations,
  isGraphToken,
  toCaller,
} from '../../../src/plugins/auth/claims.ts'

const now = 1_800_000_000
const tenantId = '11111111-2222-3333-4444-555555555555'
const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const otherId = '99999999-9999-9999-9999-999999999999'
const issuer = `https://login.microsoftonline.com/${tenantId}/v2.0`
const issuerV1 = `https://sts.windows.net/${tenantId}/`
const graphId = '00000003-0000-0000-c000-000000000000'

const expected: Expectations = {
  tenantId,
  clientId,
  issuers: [issuer, issuerV1],
  requiredScopes: ['access_as_user'],
  allowedClientIds: [],
}
const valid = {
  aud: clientId,
  iss: issuer,
  tid: tenantId,
  oid: 'user-1',
  azp: otherId,
  scp: 'access_as_user',
  iat: now - 10,
  nbf: now - 10,
  exp: now + 3600,
}

type Change = Readonly<Record<string, unknown>>
const check = (change: Change, by: Partial<Expectations> = {}) =>
  checkClaims({ ...valid, ...change }, { ...expected, ...by }, now)

const accepted: readonly [name: string, change: Change, by?: Partial<Expectations>][] = [
  ['a v2 token', {}],
  ['a v1 token', { iss: issuerV1, aud: `api://${clientId}`, azp: undefined, appid: otherId, idtyp: 'user' }],
  ['a token in the last second of the leeway', { exp: now - 59 }],
  ['a token that will be valid within the leeway', { nbf: now + 60, iat: now + 60 }],
  ['a token of the longest lifetime', { exp: now + 30 * 3600 }],
  ['a token without nbf and iat', { nbf: undefined, iat: undefined }],
  ['more scopes than needed, in any order', { scp: 'other access_as_user' }],
  ['an allowed client', { azp: otherId }, { allowedClientIds: [clientId, otherId] }],
  ['an allowed client written in capitals', { azp: 'ABCD' }, { allowedClientIds: ['abcd'] }],
  ['no client, where any is allowed', { azp: undefined }],
]
for (const [name, change, by] of accepted) {
  test(`${name} is accepted`, () => {
    assert.equal(check(change, by), undefined)
  })
}

const rejected: readonly [name: string, change: Change, reason: Reason, by?: Partial<Expectations>][] = [
  ['aud absent', { aud: undefined }, 'missing_claim'],
  ['aud another API', { aud: otherId }, 'wrong_audience'],
  ['aud with a trailing slash', { aud: `api://${clientId}/` }, 'wrong_audience'],
  ['aud in capitals', { aud: clientId.toUpperCase() }, 'wrong_audience'],
  ['aud a list with ours', { aud: [clientId] }, 'wrong_audience'],
  ['aud a list of ours and Graph', { aud: [clientId, graphId] }, 'graph_audience'],
  ['aud Graph by URL', { aud: 'https://graph.microsoft.com' }, 'graph_audience'],
  ['aud Graph by URL with a slash', { aud: 'https://graph.microsoft.com/' }, 'graph_audience'],
  ['aud Graph of another cloud', { aud: 'https://graph.microsoft.us' }, 'graph_audience'],
  ['aud Graph by id', { aud: graphId }, 'graph_audience'],
  ['aud null', { aud: null }, 'wrong_audience'],
  ['aud empty', { aud: '' }, 'wrong_audience'],
  ['aud an empty list', { aud: [] }, 'wrong_audience'],
  ['aud with a scope', { aud: `api://${clientId}/access_as_user` }, 'wrong_audience'],
  ['aud that begins with ours', { aud: `api://${clientId}0` }, 'wrong_audience'],
  ['cnf a thumbprint', { cnf: { jkt: 'x' } }, 'key_bound_token'],
  ['cnf a key', { cnf: { jwk: { kty: 'RSA', n: 'x', e: 'AQAB' } } }, 'key_bound_token'],
  ['cnf a certificate', { cnf: { 'x5t#S256': 'x' } }, 'key_bound_token'],
  ['cnf a key by id', { cnf: { kid: 'x', xms_ksl: 'sw' } }, 'key_bound_token'],
  ['cnf empty', { cnf: {} }, 'key_bound_token'],
  ['cnf null', { cnf: null }, 'key_bound_token'],
  ['cnf in a token of another API', { cnf: {}, aud: otherId }, 'wrong_audience'],
  ['cnf in a token without scopes', { cnf: {}, scp: undefined }, 'key_bound_token'],
  ['iss absent', { iss: undefined }, 'missing_claim'],
  ['iss another tenant, v2', { iss: `https://login.microsoftonline.com/${otherId}/v2.0` }, 'wrong_issuer'],
  ['iss another tenant, v1', { iss: `https://sts.windows.net/${otherId}/` }, 'wrong_issuer'],
  ['iss v1 without its slash', { iss: issuerV1.slice(0, -1) }, 'wrong_issuer'],
  ['iss with a suffix', { iss: `${issuer}/x` }, 'wrong_issuer'],
  ['iss a list', { iss: [issuer] }, 'wrong_issuer'],
  ['iss null', { iss: null }, 'wrong_issuer'],
  ['iss in capitals', { iss: issuer.toUpperCase() }, 'wrong_issuer'],
  ['iss v1 over http', { iss: issuerV1.replace('https', 'http') }, 'wrong_issuer'],
  ['iss v2 with a trailing slash', { iss: `${issuer}/` }, 'wrong_issuer'],
  ['iss that begins with ours', { iss: `${issuer}.evil.example` }, 'wrong_issuer'],
  ['tid absent', { tid: undefined }, 'missing_claim'],
  ['tid another', { tid: otherId }, 'wrong_tenant'],
  ['tid a list', { tid: [tenantId] }, 'wrong_tenant'],
  ['exp absent', { exp: undefined }, 'missing_claim'],
  ['exp a string', { exp: String(now + 3600) }, 'missing_claim'],
  ['exp null', { exp: null }, 'missing_claim'],
  ['exp a date', { exp: '2999-01-01T00:00:00Z' }, 'missing_claim'],
  ['exp a list', { exp: [now + 3600] }, 'missing_claim'],
  ['exp in the far future', { exp: 1e308 }, 'lifetime_too_long'],
  ['exp infinite', { exp: Number.POSITIVE_INFINITY }, 'missing_claim'],
  ['exp a minute ago', { exp: now - 60 }, 'expired'],
  ['exp zero', { exp: 0 }, 'expired'],
  ['exp a second beyond the longest lifetime', { exp: now + 30 * 3600 + 1 }, 'lifetime_too_long'],
  ['nbf a second beyond the leeway', { nbf: now + 61 }, 'not_yet_valid'],
  ['iat a second beyond the leeway', { iat: now + 61 }, 'not_yet_valid'],
  ['nbf a string', { nbf: 'now' }, 'missing_claim'],
  ['iat null', { iat: null }, 'missing_claim'],
  ['idtyp app', { idtyp: 'app' }, 'app_only'],
  ['scp absent, with a client', { scp: undefined }, 'app_only'],
  ['scp empty, with a v1 client', { scp: '', azp: undefined, appid: otherId }, 'app_only'],
  ['scp a list', { scp: ['access_as_user'] }, 'app_only'],
  ['scp and client absent', { scp: undefined, azp: undefined }, 'id_token'],
  ['oid absent', { oid: undefined }, 'missing_claim'],
  ['oid empty', { oid: '' }, 'missing_claim'],
  ['oid a number', { oid: 1 }, 'missing_claim'],
  ['oid an object', { oid: {} }, 'missing_claim'],
  ['a scope that ends like the one needed', { scp: 'no-access_as_user' }, 'missing_scope'],
  ['the scope in another case', { scp: 'Access_As_User' }, 'missing_scope'],
  ['a scope that begins like the one needed', { scp: 'access_as_user2' }, 'missing_scope'],
  ['one of two scopes', {}, 'missing_scope', { requiredScopes: ['access_as_user', 'read'] }],
  ['a client that is not listed', {}, 'client_not_allowed', { allowedClientIds: [clientId] }],
  ['no client where a list is set', { azp: undefined }, 'client_not_allowed', { allowedClientIds: [otherId] }],
  ['a client that is not a string', { azp: 7 }, 'client_not_allowed', { allowedClientIds: [otherId] }],
]
for (const [name, change, reason, by] of rejected) {
  test(`${name}: ${reason}`, () => {
    assert.equal(check(change, by), reason)
  })
}

test('the first failed check is the reason: not ours, then expired, then no user, then not allowed', () => {
  const failures: readonly [Change, Reason][] = [
    [{ aud: otherId }, 'wrong_audience'],
    [{ iss: 'x' }, 'wrong_issuer'],
    [{ tid: otherId }, 'wrong_tenant'],
    [{ exp: 1 }, 'expired'],
    [{ oid: undefined }, 'missing_claim'],
    [{ scp: 'other' }, 'missing_scope'],
    [{ azp: 'other' }, 'client_not_allowed'],
  ]
  for (const [index, [, reason]] of failures.entries()) {
    const from = Object.assign({}, ...failures.slice(index).map(([change]) => change))
    assert.equal(check(from, { allowedClientIds: [otherId] }), reason)
  }
})

const headers: readonly [header: Change, reason: Reason | undefined][] = [
  [{ alg: 'RS256', kid: 'a-Key_1' }, undefined],
  [{ alg: 'RS256', kid: 'k', typ: 'at+jwt', x5t: 'k' }, undefined],
  [{ kid: 'k' }, 'algorithm_not_supported'],
  [{ alg: 'none', kid: 'k' }, 'algorithm_not_supported'],
  [{ alg: 'HS256', kid: 'k' }, 'algorithm_not_supported'],
  [{ alg: 'RS384', kid: 'k' }, 'algorithm_not_supported'],
  [{ alg: 'PS256', kid: 'k' }, 'algorithm_not_supported'],
  [{ alg: 'rs256', kid: 'k' }, 'algorithm_not_supported'],
  [{ alg: ['RS256'], kid: 'k' }, 'algorithm_not_supported'],
  [{ alg: 'RS256', kid: 'k', crit: ['exp'] }, 'malformed_token'],
  [{ alg: 'RS256', kid: 'k', crit: [] }, 'malformed_token'],
  [{ alg: 'RS256' }, 'unknown_key'],
  [{ alg: 'RS256', kid: '' }, 'unknown_key'],
  [{ alg: 'RS256', kid: 7 }, 'unknown_key'],
  [{ alg: 'RS256', kid: 'k ' }, 'unknown_key'],
  [{ alg: 'RS256', kid: 'k\n' }, 'unknown_key'],
  [{ alg: 'RS256', kid: '../k' }, 'unknown_key'],
  [{ alg: 'RS256', kid: 'k'.repeat(129) }, 'unknown_key'],
  ...['None', 'NONE', '', 'RS512', 'ES256'].map((alg): [Change, Reason] => [
    { alg, kid: 'k' },
    'algorithm_not_supported',
  ]),
  ...[null, ' k', '\tk', 'k\0', ['k'], { toString: 'k' }, '%2e%2e%2fk', '/dev/null', 'k?x=1', '*', "' OR '1'='1"].map(
    (kid): [Change, Reason] => [{ alg: 'RS256', kid }, 'unknown_key'],
  ),
]
for (const [header, reason] of headers) {
  test(`the header ${JSON.stringify(header).slice(0, 60)} is ${reason ?? 'valid'}`, () => {
    assert.equal(checkHeader(header), reason)
  })
}

test('a Graph token is recognized by any of its audiences', () => {
  assert.equal(isGraphToken({ aud: graphId }), true)
  assert.equal(isGraphToken({ aud: [otherId, 'https://graph.microsoft.com/'] }), true)
  assert.equal(isGraphToken({ aud: `api://${graphId}` }), false)
  assert.equal(isGraphToken({}), false)
})

test('a caller is frozen, has its client id in lower case, and the user as a hash only', () => {
  const caller = toCaller({ ...valid, azp: otherId.toUpperCase(), scp: 'access_as_user read' }, 'hash-1')
  assert.ok(Object.isFrozen(caller) && Object.isFrozen(caller.scopes))
  const { userKey, ...rest } = caller
  assert.deepEqual(rest, {
    tenantId,
    clientId: otherId,
    scopes: ['access_as_user', 'read'],
    expiresAtMs: (now + 3600) * 1000,
    tokenHash: 'hash-1',
  })
  assert.match(userKey, /^[A-Za-z0-9_-]{22}$/)
  assert.doesNotMatch(JSON.stringify(caller), /user-1/)
})

test('a user has one key for all tokens and clients, and no other user has it', () => {
  const key = (change: Change) => toCaller({ ...valid, ...change }, 'any').userKey
  assert.equal(key({ azp: 'x', iss: issuerV1, exp: now }), key({}))
  assert.notEqual(key({ oid: 'user-2' }), key({}))
  assert.notEqual(key({ tid: otherId }), key({}))
})
