import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bearerChallenge,
  catalogue,
  Failure,
  type FailureDetails,
  httpError,
  type Reason,
  type SignIn,
} from '../../src/errors/index.ts'

const signIn: SignIn = {
  resourceMetadataUrl: 'https://mcp.contoso.example/.well-known/oauth-protected-resource/mcp',
  scopes: ['api://x/access_as_user', 'api://x/read'],
  authorizeUrl: 'https://login.microsoftonline.com/t/oauth2/v2.0/authorize',
}

/** The parameters of a challenge, read as RFC 9110 section 11.2 has them; fails on whatever is left over. */
function parametersOf(challenge: string): Record<string, string> {
  assert.match(challenge, /^Bearer [a-z_]+="[^"\\]*"(, [a-z_]+="[^"\\]*")*$/)
  const all = [...challenge.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value] as const)
  assert.equal(new Set(all.map(([name]) => name)).size, all.length, 'a parameter occurs twice')
  return Object.fromEntries(all)
}
const challenge = (reason: Reason, details: FailureDetails = {}, where: SignIn = signIn) =>
  parametersOf(bearerChallenge(new Failure(reason, details), where))

test('without a token a challenge says where to sign in and for what, and no error', () => {
  assert.deepEqual(challenge('missing_token'), {
    resource_metadata: signIn.resourceMetadataUrl,
    scope: 'api://x/access_as_user api://x/read',
  })
})

for (const reason of Object.keys(catalogue) as Reason[]) {
  const entry = httpError(new Failure(reason))
  if (entry.status !== 401 && entry.status !== 403) continue
  test(`the challenge of ${reason} is one well-formed header in ASCII`, () => {
    const { error, error_description, claims } = challenge(reason)
    assert.equal(error, entry.challenge)
    assert.equal(error_description === undefined, entry.challenge === undefined)
    assert.equal(claims, undefined)
  })
}

test('a claims challenge carries the claims as they were, in base64, and where to take them', () => {
  const claims = '{"access_token":{"acrs":{"essential":true,"value":"ç\\"1"}}}'
  const { error, authorization_uri, claims: sent = '' } = challenge('claims_required', { claims })
  assert.equal(error, 'insufficient_claims')
  assert.equal(authorization_uri, signIn.authorizeUrl)
  assert.equal(Buffer.from(sent, 'base64').toString(), claims)
})

test('what an error has to say beyond its reason stays out of the header', () => {
  const header = bearerChallenge(
    new Failure('expired', { detail: 'inner zq7mark', cause: new Error('zq7mark') }),
    signIn,
  )
  assert.doesNotMatch(header, /zq7mark/)
})

for (const hostile of ['a"b', 'a\\', 'a\r\nSet-Cookie: x=1', 'å', '\u0000', '\u2028', 'a\tb']) {
  test(`${JSON.stringify(hostile)} cannot break out of its quotes`, () => {
    const header = bearerChallenge(new Failure('expired'), {
      ...signIn,
      scopes: [hostile],
      resourceMetadataUrl: hostile,
    })
    assert.match(header, /^[\x20-\x7e]+$/)
    assert.deepEqual(Object.keys(parametersOf(header)), ['resource_metadata', 'scope', 'error', 'error_description'])
  })
}
