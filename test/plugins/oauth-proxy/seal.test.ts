import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { base64url, decodeProtectedHeader, EncryptJWT } from 'jose'
import type { Failure } from '../../../src/errors/index.ts'
import type { Unsealed } from '../../../src/lib/sealed-jwt.ts'
import { createSeals, type Purpose } from '../../../src/plugins/oauth-proxy/seal.ts'

const keyOf = (byte: number) => Buffer.alloc(32, byte).toString('base64')
const [keyA, keyB] = [keyOf(1), keyOf(2)]
const purposes: readonly Purpose[] = [
  'registration',
  'consent-form',
  'transaction',
  'code',
  'refresh-token',
  'consents',
]
const lifetimeMs = 60_000
const invalid = { rejected: 'invalid' }
const expired = { rejected: 'expired' }

const seals = createSeals([keyA])
const codes = seals<unknown>('code')

const openedValue = <T>(opened: Unsealed<T>) => ('value' in opened ? opened.value : assert.fail(opened.rejected))
const assertInvalid = async (token: string, message: string) =>
  assert.deepEqual(await codes.open(token), invalid, message)

test('whatever JSON can hold comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }),
      fc.constantFrom(...purposes),
      async (value, purpose) => {
        const seal = seals<unknown>(purpose)
        const opened = await seal.open(await seal.seal(value, lifetimeMs))
        assert.deepEqual(openedValue(opened), JSON.parse(JSON.stringify(value)))
      },
    ),
  )
})

test('a sealed token is a directly encrypted JWT under AES-256-GCM that shows nothing of its value', async () => {
  const token = await codes.seal({ secret: 'a'.repeat(100) }, lifetimeMs)
  const { kid, ...header } = decodeProtectedHeader(token)
  assert.deepEqual(header, { alg: 'dir', enc: 'A256GCM' })
  assert.match(String(kid), /^[A-Za-z0-9_-]{8}$/)
  assert.match(token, /^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$/)
  for (const part of token.split('.')) {
    assert.doesNotMatch(Buffer.from(part, 'base64url').toString('latin1'), /secret|aaa|code/)
  }
})

test('one value sealed a thousand times gives a thousand tokens, each with an IV of its own', async () => {
  const tokens = await Promise.all(Array.from({ length: 1_000 }, () => codes.seal('x', lifetimeMs)))
  assert.equal(new Set(tokens.map((token) => token.split('.')[2])).size, 1_000)
})

/** Values whose ciphertext leaves two, four and no spare bits in its last character. */
const ofEachLength: readonly [spareBits: number, value: string][] = [
  [2, 'five!'],
  [4, 'four'],
  [0, 'three3'],
]
for (const [spareBits, value] of ofEachLength) {
  const token = await codes.seal(value, lifetimeMs)
  const parts = token.split('.')
  const ciphertext = parts[3] ?? ''

  test(`with ${spareBits} spare bits the ciphertext has the length that this is about`, async () => {
    assert.equal(ciphertext.length * 6 - Buffer.from(ciphertext, 'base64url').length * 8, spareBits)
    assert.equal(openedValue(await codes.open(token)), value)
  })

  test(`every flipped bit of a part is rejected, with ${spareBits} spare bits`, async () => {
    for (const [index, part] of parts.entries()) {
      const bytes = Buffer.from(part, 'base64url')
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes)
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const changed = parts.with(index, flipped.toString('base64url')).join('.')
        await assertInvalid(changed, `bit ${bit} of part ${index}`)
      }
    }
  })

  test(`every change of one character is rejected, with ${spareBits} spare bits`, async () => {
    for (let at = 0; at < token.length; at++) {
      for (const character of 'ABQgwxyz019-_+/= .\0é') {
        if (token[at] === character) continue
        await assertInvalid(token.slice(0, at) + character + token.slice(at + 1), `${character} at ${at}`)
      }
    }
  })

  test(`every last character of the ciphertext and of the tag but their own is rejected, with ${spareBits} spare bits`, async () => {
    for (const index of [3, 4]) {
      const part = parts[index] ?? ''
      for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        const other = part.slice(0, -1) + character
        if (other !== part) await assertInvalid(parts.with(index, other).join('.'), `${character} in part ${index}`)
      }
    }
  })

  test(`every truncation is rejected, from either end, with ${spareBits} spare bits`, async () => {
    for (let length = 0; length < token.length; length++) {
      await assertInvalid(token.slice(0, length), `the first ${length}`)
      await assertInvalid(token.slice(-length - 1).slice(1), `the last ${length}`)
    }
  })

  test(`every extension is rejected, with ${spareBits} spare bits`, async () => {
    for (const more of ['A', 'AA', 'AAAA', '=', '==', ' ', '\n', '\0', '.', '-', token]) {
      await assertInvalid(token + more, JSON.stringify(more))
      await assertInvalid(more + token, JSON.stringify(more))
    }
  })
}

test('other spellings of the same bytes are rejected: padded, in the other alphabet, with white space', async () => {
  const token = await codes.seal({ long: 'x'.repeat(1_999) }, lifetimeMs)
  const [header = '', , iv = '', ciphertext = '', tag = ''] = token.split('.')
  assert.match(ciphertext, /[-_]/)
  for (const other of [
    `${header}=`,
    ciphertext.replaceAll('-', '+').replaceAll('_', '/'),
    ciphertext.replace('-', '+'),
    `${ciphertext}=`,
    `${ciphertext}==`,
    `${ciphertext.slice(0, 10)}\n${ciphertext.slice(10)}`,
    `${ciphertext.slice(0, 10)} ${ciphertext.slice(10)}`,
  ]) {
    await assertInvalid([header, '', iv, other, tag].join('.'), other.slice(0, 20))
  }
  await assertInvalid(`${token}==`, 'a padded tag')
  await assertInvalid([`${header}=`, '', iv, ciphertext, tag].join('.'), 'a padded header')
})

for (const purpose of purposes) {
  test(`what is sealed as ${purpose} is nothing else`, async () => {
    const token = await seals<string>(purpose).seal('x', lifetimeMs)
    for (const other of purposes.filter((one) => one !== purpose)) {
      assert.deepEqual(await seals<string>(other).open(token), invalid, other)
    }
    assert.equal(openedValue(await seals<string>(purpose).open(token)), 'x')
  })
}

test('what is sealed with another key is invalid', async () => {
  await assertInvalid(await createSeals([keyB])<string>('code').seal('x', lifetimeMs), 'another key')
})

test('a token of another key is invalid under the key id of this one', async () => {
  const [header] = (await codes.seal('x', lifetimeMs)).split('.')
  const [, ...rest] = (await createSeals([keyB])('code').seal('x', lifetimeMs)).split('.')
  await assertInvalid([header, ...rest].join('.'), 'another key')
})

test('a server with the same key opens what another has sealed', async () => {
  assert.equal(openedValue(await createSeals([keyA])('code').open(await codes.seal('x', lifetimeMs))), 'x')
})

test('while keys are rotated, all of them open and the first alone seals', async () => {
  const [before, during, after] = [[keyA], [keyB, keyA], [keyB]].map((keys) => createSeals(keys)<string>('code'))
  assert.ok(before && during && after)
  const old = await before.seal('old', lifetimeMs)
  assert.equal(openedValue(await during.open(old)), 'old')
  const fresh = await during.seal('fresh', lifetimeMs)
  assert.equal(openedValue(await during.open(fresh)), 'fresh')
  assert.equal(openedValue(await after.open(fresh)), 'fresh')
  assert.deepEqual(await before.open(fresh), invalid)
  assert.deepEqual(await after.open(old), invalid, 'a key that was dropped still opens')
})

test('without a key there is nothing to seal with', () => {
  assert.throws(() => createSeals([]), /no key/)
})

/** A clock that starts at a whole second, since a JWT expires at one. */
const startMs = 1_764_000_000_000

test('a token opens until its lifetime ends, and not at that moment', async () => {
  let nowMs = startMs
  const seal = createSeals([keyA], () => nowMs)<string>('code')
  const token = await seal.seal('x', lifetimeMs)
  const opened = { value: 'x', expiresAtMs: startMs + lifetimeMs }
  for (const [passedMs, expected] of [
    [0, opened],
    [lifetimeMs - 1, opened],
    [lifetimeMs, expired],
    [lifetimeMs + 1, expired],
    [10 * 365 * 86_400_000, expired],
  ] as const) {
    nowMs = startMs + passedMs
    assert.deepEqual(await seal.open(token), expected, `${passedMs} ms`)
  }
})

test('a lifetime is never longer than asked: a part of a second is cut', async () => {
  let nowMs = startMs + 999
  const seal = createSeals([keyA], () => nowMs)<string>('code')
  const token = await seal.seal('x', lifetimeMs)
  nowMs = startMs + lifetimeMs
  assert.deepEqual(await seal.open(token), expired)
})

test('what was sealed with an older key expires as well', async () => {
  let nowMs = startMs
  const old = await createSeals([keyA], () => nowMs)('code').seal('x', lifetimeMs)
  const rotated = createSeals([keyB, keyA], () => nowMs)('code')
  nowMs += lifetimeMs - 1
  assert.equal(openedValue(await rotated.open(old)), 'x')
  nowMs += 1
  assert.deepEqual(await rotated.open(old), expired)
})

test('what has expired and is for another purpose is invalid, and says nothing more', async () => {
  let nowMs = startMs
  const all = createSeals([keyA], () => nowMs)
  const token = await all('code').seal('x', lifetimeMs)
  nowMs += lifetimeMs
  assert.deepEqual(await all('transaction').open(token), invalid)
})

const encryptionKeys = {
  'zeros in place of a key': new Uint8Array(32),
  'the configured key itself, which only others are derived from': Buffer.from(keyA, 'base64'),
}
for (const [what, key] of Object.entries(encryptionKeys)) {
  test(`a JWT encrypted with ${what} is invalid`, async () => {
    const { kid = '' } = decodeProtectedHeader(await codes.seal('x', lifetimeMs))
    const token = await new EncryptJWT({ value: 'x' })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
      .setAudience('code')
      .setExpirationTime('1h')
      .encrypt(key)
    await assertInvalid(token, what)
  })
}

for (const [what, header] of Object.entries({
  'no algorithm': { enc: 'A256GCM' },
  'another algorithm': { alg: 'A256KW', enc: 'A256GCM' },
  'RSA, whose key the header could bring': { alg: 'RSA-OAEP', enc: 'A256GCM', jwk: {} },
  'a password': { alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', p2c: 2 ** 31, p2s: 'AAAA' },
  'another encryption': { alg: 'dir', enc: 'A128CBC-HS256' },
  compression: { alg: 'dir', enc: 'A256GCM', zip: 'DEF' },
  'a critical extension': { alg: 'dir', enc: 'A256GCM', crit: ['b64'], b64: false },
  'a key id that is no text': { alg: 'dir', enc: 'A256GCM', kid: [1] },
  'a key id that every object has': { alg: 'dir', enc: 'A256GCM', kid: '__proto__' },
  'no key id': { alg: 'dir', enc: 'A256GCM', kid: undefined },
})) {
  test(`a header with ${what} is invalid`, async () => {
    const [ownHeader = '', ...rest] = (await codes.seal('x', lifetimeMs)).split('.')
    const own = JSON.parse(Buffer.from(ownHeader, 'base64url').toString())
    const forged = base64url.encode(JSON.stringify({ kid: own.kid, ...header }))
    await assertInvalid([forged, ...rest].join('.'), what)
  })
}

for (const [name, text] of [
  ['nothing', ''],
  ['a space', ' '],
  ['a NUL', '\0'],
  ['four dots', '....'],
  ['zeros', 'A'.repeat(1_000)],
  ['the longest text', 'A'.repeat(24_576)],
  ['one that is too long', 'A'.repeat(24_577)],
  ['ten megabytes', 'A'.repeat(10 * 1024 * 1024)],
  ['ten megabytes of dots', '.'.repeat(10 * 1024 * 1024)],
  ['an unsigned JWT', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.'],
  ['JSON', '{"value":"x"}'],
  ['lone surrogates', '\ud800\udfff'.repeat(30)],
  ['emoji', '🔑'.repeat(50)],
  ['the name of what every object has', '__proto__'],
] as const) {
  test(`${name} is invalid`, () => assertInvalid(text, name))
}

test('garbage is invalid, whatever it is, and never throws', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString('base64url'))
  const header = fc.jsonValue().map((value) => base64url.encode(JSON.stringify(value)))
  const jwe = fc.tuple(header, bytes, bytes, bytes, bytes).map((parts) => parts.join('.'))
  await fc.assert(
    fc.asyncProperty(fc.oneof(bytes, jwe, fc.string({ unit: 'binary', size: 'medium' }), fc.base64String()), (text) =>
      assertInvalid(text, text),
    ),
    { numRuns: 500 },
  )
})

test('parts of two tokens make no third', async () => {
  const one = await codes.seal('a'.repeat(20), lifetimeMs)
  const other = await codes.seal('b'.repeat(20), lifetimeMs)
  for (let cut = 1; cut < one.length; cut++) {
    const mixed = one.slice(0, cut) + other.slice(cut)
    // They may begin alike, or end so.
    if (mixed !== one && mixed !== other) await assertInvalid(mixed, `cut at ${cut}`)
  }
})

test('what is sealed can be opened, or is not sealed at all', async () => {
  let rejected = 0
  for (const length of [11_900, 12_000, 12_100, 12_200, 12_300, 12_400]) {
    const token = await codes.seal('x'.repeat(length), lifetimeMs).catch((error: Failure) => {
      assert.equal(error.reason, 'oauth_request_malformed')
    })
    if (token === undefined) rejected++
    else assert.ok('value' in (await codes.open(token)), `${length} characters were sealed for good`)
  }
  assert.ok(rejected > 0 && rejected < 6)
})

test('a code stays under 4 KB for a code of Entra’s of 1,500 characters, and a client id under 300', async () => {
  const asked = {
    client: 'c'.repeat(22),
    redirectUri: 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
    challenge: 'c'.repeat(43),
    scopes: ['access_as_user'],
    offlineAccess: true,
  }
  const entraCode = 'e'.repeat(1_500)
  const own = { id: 'i'.repeat(16), verifier: 'v'.repeat(43), nonce: 'n'.repeat(22) }
  const code = await codes.seal({ ...own, asked, entraCode }, lifetimeMs)
  assert.ok(code.length < 4_096, `${code.length} characters`)
  const registration = { name: 'Claude', redirectUris: ['https://claude.ai/api/mcp/auth_callback'] }
  const clientId = await seals('registration').seal(registration, lifetimeMs)
  assert.ok(clientId.length < 300, `${clientId.length} characters`)
})
