import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason } from '../../src/errors/index.ts'
import { maxTokenChars, readBearer } from '../../src/lib/bearer.ts'

const found: readonly [name: string, rawHeaders: string[], token: string][] = [
  ['a token', ['Authorization', 'Bearer abc.def.ghi'], 'abc.def.ghi'],
  ['any case of the header', ['Host', 'x', 'aUTHORIZATION', 'Bearer a'], 'a'],
  ['any case of the scheme', ['authorization', 'bEARER a'], 'a'],
  ['every character of a b64token', ['authorization', 'Bearer aZ0-._~+/='], 'aZ0-._~+/='],
  ['the longest token', ['authorization', `Bearer ${'a'.repeat(maxTokenChars)}`], 'a'.repeat(maxTokenChars)],
  ['a token after two spaces', ['authorization', 'Bearer  a'], 'a'],
  ['a token after many spaces', ['authorization', `bearer${' '.repeat(50)}a`], 'a'],
  ['a header whose value is "authorization"', ['x-a', 'authorization', 'authorization', 'Bearer a'], 'a'],
  ['names of the same length', ['authorizatiom', 'Bearer x', 'authorization', 'Bearer a'], 'a'],
]
for (const [name, rawHeaders, token] of found) {
  test(`${name} is read`, () => {
    assert.deepEqual(readBearer(rawHeaders), { token })
  })
}

const rejected: readonly [name: string, rawHeaders: string[], reason: Reason][] = [
  ['no headers', [], 'missing_token'],
  ['other headers', ['Host', 'x', 'X-Authorization', 'Bearer a', 'Proxy-Authorization', 'Bearer a'], 'missing_token'],
  ['an empty header', ['Authorization', ''], 'missing_token'],
  ['the scheme alone', ['Authorization', 'Bearer'], 'missing_token'],
  ['the scheme in another case alone', ['Authorization', 'bEARER'], 'missing_token'],
  ['the scheme and spaces', ['Authorization', 'Bearer   '], 'missing_token'],
  ['Basic', ['Authorization', 'Basic dXNlcjpw'], 'missing_token'],
  ['Basic alone', ['Authorization', 'Basic'], 'missing_token'],
  ['Digest', ['Authorization', 'Digest username="a", realm="b", uri="/"'], 'missing_token'],
  ['DPoP', ['Authorization', 'DPoP abc.def.ghi'], 'missing_token'],
  ['Negotiate', ['Authorization', 'Negotiate YII='], 'missing_token'],
  ['a scheme that begins like Bearer', ['Authorization', 'BearerToken a'], 'missing_token'],
  ['a scheme that Bearer is a part of', ['Authorization', 'X-Bearer a'], 'missing_token'],
  ['two schemes', ['Authorization', 'Basic Bearer a'], 'missing_token'],
  ['a bare token', ['Authorization', 'abc.def.ghi'], 'missing_token'],
  ['a tab', ['Authorization', 'Bearer\ta'], 'malformed_authorization'],
  ['a malformed scheme', ['Authorization', '"Bearer" a'], 'malformed_authorization'],
  ['the scheme and a comma', ['Authorization', 'Bearer, Basic a'], 'malformed_authorization'],
  ['an empty header twice', ['Authorization', '', 'Authorization', ''], 'malformed_authorization'],
  ['Basic and Bearer', ['Authorization', 'Basic x', 'Authorization', 'Bearer a'], 'malformed_authorization'],
  ['two tokens in one header', ['Authorization', 'Bearer a, Bearer b'], 'malformed_authorization'],
  ['two headers', ['Authorization', 'Bearer a', 'authorization', 'Bearer a'], 'malformed_authorization'],
  ['an empty header and a valid one', ['Authorization', '', 'Authorization', 'Bearer a'], 'malformed_authorization'],
  ['more after the token', ['Authorization', 'Bearer a b'], 'malformed_authorization'],
  ['a line break', ['Authorization', 'Bearer a\n'], 'malformed_authorization'],
  ['a quote', ['Authorization', 'Bearer "a"'], 'malformed_authorization'],
  ['letters beyond ASCII', ['Authorization', 'Bearer \u212A'], 'malformed_authorization'],
  ['one character too many', ['Authorization', `Bearer ${'a'.repeat(maxTokenChars + 1)}`], 'token_too_long'],
  ['100 KB', ['Authorization', `Bearer ${'a'.repeat(100_000)}`], 'token_too_long'],
]
for (const [name, rawHeaders, reason] of rejected) {
  test(`${name}: ${reason}`, () => {
    assert.deepEqual(readBearer(rawHeaders), { reason })
  })
}
