import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBearer } from '../../src/entra/bearer.ts'
import type { Reason } from '../../src/errors.ts'

const found: readonly [name: string, rawHeaders: string[], token: string][] = [
  ['a token', ['Authorization', 'Bearer abc.def.ghi'], 'abc.def.ghi'],
  ['any case of the header', ['Host', 'x', 'aUTHORIZATION', 'Bearer a'], 'a'],
  ['any case of the scheme', ['authorization', 'bEARER a'], 'a'],
  ['every character of a b64token', ['authorization', 'Bearer aZ0-._~+/='], 'aZ0-._~+/='],
  ['a token of 11,993 characters', ['authorization', `Bearer ${'a'.repeat(11_993)}`], 'a'.repeat(11_993)],
  ['a header whose value is "authorization"', ['x-a', 'authorization', 'authorization', 'Bearer a'], 'a'],
  ['names of the same length', ['authorizatiom', 'Bearer x', 'authorization', 'Bearer a'], 'a'],
]
for (const [name, rawHeaders, token] of found) {
  test(`${name} is read`, () => {
    assert.deepEqual(readBearer(rawHeaders), { token })
  })
}

const refused: readonly [name: string, rawHeaders: string[], reason: Reason][] = [
  ['no headers', [], 'missing_token'],
  ['other headers', ['Host', 'x', 'X-Authorization', 'Bearer a', 'Proxy-Authorization', 'Bearer a'], 'missing_token'],
  ['an empty header', ['Authorization', ''], 'missing_token'],
  ['the scheme alone', ['Authorization', 'Bearer'], 'malformed_authorization'],
  ['the scheme and a space', ['Authorization', 'Bearer '], 'malformed_authorization'],
  ['two spaces', ['Authorization', 'Bearer  a'], 'malformed_authorization'],
  ['a tab', ['Authorization', 'Bearer\ta'], 'malformed_authorization'],
  ['Basic', ['Authorization', 'Basic dXNlcjpw'], 'malformed_authorization'],
  ['a bare token', ['Authorization', 'abc.def.ghi'], 'malformed_authorization'],
  ['two tokens in one header', ['Authorization', 'Bearer a, Bearer b'], 'malformed_authorization'],
  ['two headers', ['Authorization', 'Bearer a', 'authorization', 'Bearer a'], 'malformed_authorization'],
  ['an empty header and a good one', ['Authorization', '', 'Authorization', 'Bearer a'], 'malformed_authorization'],
  ['something behind the token', ['Authorization', 'Bearer a b'], 'malformed_authorization'],
  ['a line break', ['Authorization', 'Bearer a\n'], 'malformed_authorization'],
  ['a quote', ['Authorization', 'Bearer "a"'], 'malformed_authorization'],
  ['letters beyond ASCII', ['Authorization', 'Bearer \u212A'], 'malformed_authorization'],
  ['100 KB', ['Authorization', `Bearer ${'a'.repeat(100_000)}`], 'malformed_authorization'],
]
for (const [name, rawHeaders, reason] of refused) {
  test(`${name}: ${reason}`, () => {
    assert.deepEqual(readBearer(rawHeaders), { reason })
  })
}
