import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entraScope, grantedNames, readScope } from '../../../src/plugins/oauth-proxy/scopes.ts'

const apiClientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const other = '11111111-2222-3333-4444-555555555555'
const api = { apiClientId, offered: ['access_as_user', 'read'] }
const all = ['access_as_user', 'read']

const asked: readonly [scope: string | undefined, names: readonly string[], offlineAccess: boolean][] = [
  [undefined, all, false],
  ['', all, false],
  ['   ', all, false],
  ['openid', all, false],
  ['openid profile email', all, false],
  ['offline_access', all, true],
  ['openid offline_access', all, true],
  ['access_as_user', ['access_as_user'], false],
  ['read', ['read'], false],
  ['read access_as_user', all, false],
  ['read  read read', ['read'], false],
  ['access_as_user offline_access openid profile', ['access_as_user'], true],
  [`api://${apiClientId}/access_as_user`, ['access_as_user'], false],
  [`${apiClientId}/read`, ['read'], false],
  [`API://${apiClientId.toUpperCase()}/read`, ['read'], false],
  [`api://${apiClientId}/read read`, ['read'], false],
  ['.default', all, false],
  [`api://${apiClientId}/.default offline_access`, all, true],
  ['.default read', all, false],
]
for (const [scope, names, offlineAccess] of asked) {
  test(`${scope === undefined ? 'no scope' : `the scope "${scope}"`} asks for ${names}`, () => {
    assert.deepEqual(readScope(scope, api), { names, offlineAccess })
  })
}

for (const scope of [
  'write',
  'access_as_user write',
  'Access_As_User',
  'read,access_as_user',
  'read\taccess_as_user',
  'read\n',
  'https://graph.microsoft.com/.default',
  'https://graph.microsoft.com/Mail.Read',
  'User.Read',
  `api://${other}/access_as_user`,
  `${other}/.default`,
  `api://${apiClientId}`,
  `api://${apiClientId}/`,
  `api://${apiClientId}/access_as_user/`,
  `api://${apiClientId}/api://${apiClientId}/read`,
  `api://${apiClientId}//read`,
  `evil-api://${apiClientId}/read`,
  `https://evil.example/${apiClientId}/read`,
  `api://${apiClientId}/openid`,
  `api://${apiClientId}/offline_access`,
  '.Default',
  '.default write',
  'constructor',
  '__proto__',
]) {
  test(`the scope ${JSON.stringify(scope)} is not this API’s`, () => assert.equal(readScope(scope, api), undefined))
}

test('nobody gets a scope that is not offered, whatever is asked', () => {
  const token = fc.oneof(
    fc.constantFrom('access_as_user', 'read', 'openid', 'offline_access', '.default', 'write', ''),
    fc.constantFrom(`api://${apiClientId}/read`, `${apiClientId}/.default`, `${other}/read`, `api://${apiClientId}/`),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(token, { maxLength: 6 }), fc.subarray(api.offered, { minLength: 1 }), (tokens, offered) => {
      const read = readScope(tokens.join(' '), { apiClientId, offered })
      if (read === undefined) return
      assert.ok(read.names.length > 0 && read.names.every((name) => offered.includes(name)))
      assert.equal(new Set(read.names).size, read.names.length)
    }),
  )
})

test('Entra is asked by client id, for an ID token and a refresh token too, and never by api://', () => {
  const scope = entraScope(all, apiClientId)
  assert.equal(scope, `${apiClientId}/access_as_user ${apiClientId}/read openid profile offline_access`)
})

for (const [scope, names] of [
  [`api://${apiClientId}/access_as_user`, ['access_as_user']],
  [`${apiClientId}/access_as_user ${apiClientId}/read`, all],
  [`api://${apiClientId.toUpperCase()}/read`, ['read']],
  [`openid profile email offline_access ${apiClientId}/read`, ['read']],
  [`${apiClientId}/read ${apiClientId}/.default`, ['read']],
  [`${apiClientId}/read https://graph.microsoft.com/User.Read ${other}/read api://${other}/write`, ['read']],
  ['openid profile', []],
  ['', []],
  ['  ', []],
] as const) {
  test(`of the granted "${scope}" clients are told [${names}]`, () => {
    assert.deepEqual(grantedNames(scope, apiClientId), names)
  })
}

test('what Entra is asked for and grants has the names that the client asked for', () => {
  fc.assert(
    fc.property(fc.subarray(all, { minLength: 1 }), (names) => {
      assert.deepEqual(grantedNames(entraScope(names, apiClientId), apiClientId), names)
    }),
  )
})
