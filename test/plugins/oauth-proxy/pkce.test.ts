import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { challengeOf, createVerifier, isS256Challenge, isVerified } from '../../../src/plugins/oauth-proxy/pkce.ts'

// RFC 7636 appendix B.
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

test('the example of RFC 7636 holds', () => {
  assert.equal(challengeOf(verifier), challenge)
  assert.equal(isS256Challenge(challenge), true)
  assert.equal(isVerified(verifier, challenge), true)
})

test('a fresh verifier is well-formed, belongs to its challenge and never comes twice', () => {
  const verifiers = Array.from({ length: 1_000 }, createVerifier)
  assert.equal(new Set(verifiers).size, 1_000)
  for (const one of verifiers) {
    assert.match(one, /^[A-Za-z0-9_-]{43}$/)
    assert.equal(isVerified(one, challengeOf(one)), true)
    assert.equal(isS256Challenge(challengeOf(one)), true)
  }
})

const wellFormed = fc.string({
  unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'),
  minLength: 43,
  maxLength: 128,
})

test('every well-formed verifier belongs to its own challenge and to no other', () => {
  fc.assert(
    fc.property(wellFormed, wellFormed, (one, other) => {
      const expected = createHash('sha256').update(one).digest('base64url')
      assert.equal(isVerified(one, expected), true)
      assert.equal(isVerified(other, expected), one === other)
    }),
  )
})

for (const [name, text] of [
  ['one of another sign-in', `${verifier.slice(0, -1)}l`],
  ['the challenge itself, as "plain" would have it', challenge],
  ['the verifier in upper case', verifier.toUpperCase()],
  ['the verifier and more', `${verifier}A`],
] as const) {
  test(`${name} is not the verifier`, () => assert.equal(isVerified(text, challenge), false))
}

for (const [name, text] of [
  ['nothing', ''],
  ['42 characters', verifier.slice(1)],
  ['129 characters', 'a'.repeat(129)],
  ['a space', `${verifier} `],
  ['a newline', `${verifier}\n`],
  ['a plus', `${verifier}+`],
  ['a slash', `${verifier}/`],
  ['padding', `${verifier}=`],
  ['another letter', `${verifier}é`],
] as const) {
  test(`a verifier with ${name} is rejected, even of its own challenge`, () => {
    assert.equal(isVerified(text, challengeOf(text)), false)
  })
}

for (const text of ['', 'plain', `${challenge}=`, challenge.toLowerCase(), verifier]) {
  test(`against ${JSON.stringify(text)} no verifier holds`, () => assert.equal(isVerified(verifier, text), false))
}

test('a verifier of 43 and one of 128 characters will do', () => {
  for (const text of ['a'.repeat(43), '~'.repeat(128)]) assert.equal(isVerified(text, challengeOf(text)), true)
})

for (const text of [
  '',
  challenge.slice(1),
  `${challenge}A`,
  `${challenge}=`,
  `${challenge.slice(1)}=`,
  `${challenge.slice(1)}+`,
  `${challenge.slice(1)}/`,
  `${challenge.slice(1)}.`,
  `${challenge.slice(1)}~`,
  `${challenge.slice(1)}\n`,
  `${challenge}\n`,
  ` ${challenge.slice(1)}`,
  'a'.repeat(128),
]) {
  test(`${JSON.stringify(text)} is no S256 challenge`, () => assert.equal(isS256Challenge(text), false))
}
