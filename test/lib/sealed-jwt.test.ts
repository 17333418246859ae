import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeProtectedHeader, EncryptJWT } from 'jose'
import { deriveBytes } from '../../src/lib/derive-bytes.ts'
import { createSealedJwts } from '../../src/lib/sealed-jwt.ts'

const newKey = () => randomBytes(32).toString('base64')
const [keyA, keyB] = [newKey(), newKey()]
const nowMs = 1_764_000_000_000
const place = 'prefix:obo:key'
const token = { accessToken: 'a token of Graph', expiresAtMs: nowMs + 60_000 }

function sealAt(ms: number, ...secrets: string[]) {
  const jwts = createSealedJwts({ secrets, label: 'label', now: () => ms })
  return {
    seal: ({ accessToken, expiresAtMs }: typeof token, audience: string) =>
      jwts.seal(accessToken, audience, expiresAtMs),
    async open(sealed: string, audience: string) {
      const opened = await jwts.open<string>(sealed, audience)
      return 'value' in opened ? { accessToken: opened.value, expiresAtMs: opened.expiresAtMs } : undefined
    },
  }
}
const sealOf = (...secrets: string[]) => sealAt(nowMs, ...secrets)
const seal = sealOf(keyA)
const sealed = await seal.seal(token, place)

test('a token is opened as it was sealed, with its expiry to the second', async () => {
  assert.deepEqual(await seal.open(sealed, place), token)
  const later = { ...token, expiresAtMs: token.expiresAtMs + 999 }
  assert.deepEqual(await seal.open(await seal.seal(later, place), place), token)
})

test('any token is opened as it was sealed', async () => {
  const texts = fc.string({ unit: 'binary', maxLength: 5_000 }).map((text) => Buffer.from(text).toString())
  await fc.assert(
    fc.asyncProperty(texts, async (accessToken) => {
      const { expiresAtMs } = token
      const opened = await seal.open(await seal.seal({ accessToken, expiresAtMs }, place), place)
      assert.deepEqual(opened, { accessToken, expiresAtMs })
    }),
  )
})

test('a token sealed a thousand times gives a thousand values with a thousand IVs', async () => {
  const values = await Promise.all(Array.from({ length: 1_000 }, () => seal.seal(token, place)))
  assert.equal(new Set(values).size, 1_000)
  assert.equal(new Set(values.map((value) => value.split('.')[2])).size, 1_000)
})

test('the header names the key by an id that is no part of it, and tells nothing else', async () => {
  const header = decodeProtectedHeader(sealed)
  assert.deepEqual(Object.keys(header).sort(), ['alg', 'enc', 'kid'])
  assert.notEqual(header.kid, decodeProtectedHeader(await sealOf(keyB).seal(token, place)).kid)
  assert.equal(header.kid, decodeProtectedHeader(await sealOf(keyA).seal(token, place)).kid, 'replicas must agree')
  assert.ok(!Buffer.from(keyA, 'base64').includes(Buffer.from(String(header.kid), 'base64url')))
})

test('a value with one character changed is not opened, whichever it is', async () => {
  for (const at of Array.from(sealed).keys()) {
    const changed = `${sealed.slice(0, at)}${sealed[at] === 'E' ? 'F' : 'E'}${sealed.slice(at + 1)}`
    const opened = await seal.open(changed, place)
    // Of the last character of a part some bits may carry nothing.
    if (opened !== undefined) assert.ok([undefined, '.'].includes(sealed[at + 1]), `character ${at}`)
    assert.ok(opened === undefined || opened.accessToken === token.accessToken)
  }
})

test('a truncated or prolonged value is not opened', async () => {
  for (let length = 0; length < sealed.length - 1; length++) {
    assert.equal(await seal.open(sealed.slice(0, length), place), undefined, `the first ${length}`)
  }
  for (const changed of [`${sealed}AA`, `AA${sealed}`, `${sealed}.`, `${sealed}${sealed}`]) {
    assert.equal(await seal.open(changed, place), undefined)
  }
})

for (const elsewhere of ['prefix:obo:other', 'other:obo:key', '', `${place} `]) {
  test(`a value that was copied to “${elsewhere}” is not opened`, async () => {
    assert.equal(await seal.open(sealed, elsewhere), undefined)
  })
}

test('a value of another key is not opened, even under this one’s id', async () => {
  const foreign = await sealOf(keyB).seal(token, place)
  assert.equal(await seal.open(foreign, place), undefined)
  const [header] = sealed.split('.')
  assert.equal(await seal.open([header, ...foreign.split('.').slice(1)].join('.'), place), undefined)
})

test('a value without an expiry is not opened', async () => {
  const own = (claims: EncryptJWT) =>
    claims
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: String(decodeProtectedHeader(sealed).kid) })
      .setAudience(place)
      .encrypt(deriveBytes(keyA, 'label/key', 32))
  const ending = await own(new EncryptJWT({ value: 'x' }).setExpirationTime(nowMs / 1000 + 1))
  assert.equal((await seal.open(ending, place))?.accessToken, 'x')
  const endless = await own(new EncryptJWT({ value: 'x' }))
  assert.equal(await seal.open(endless, place), undefined)
})

test('while keys are rotated all of them open, and the first alone seals', async () => {
  const [before, during, after] = [sealOf(keyA), sealOf(keyB, keyA), sealOf(keyB)]
  assert.deepEqual(await during.open(sealed, place), token)
  const fresh = await during.seal(token, place)
  assert.deepEqual([await during.open(fresh, place), await after.open(fresh, place)], [token, token])
  assert.equal(await before.open(fresh, place), undefined)
  assert.equal(await after.open(sealed, place), undefined, 'a key that was dropped still opens')
})

test('a token is opened until it expires, and not at that moment', async () => {
  for (const [passedMs, expected] of [
    [59_999, token],
    [60_000, undefined],
    [60_001, undefined],
  ] as const) {
    assert.deepEqual(await sealAt(nowMs + passedMs, keyA).open(sealed, place), expected, `${passedMs}`)
  }
})

test('garbage is not opened, whatever it is and however large, and never throws', async () => {
  const [header] = sealed.split('.')
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 50 }), async (bytes, text) => {
      const encoded = Buffer.from(bytes).toString('base64url')
      for (const garbage of [text, encoded, `${header}.${text}`, `${header}..${encoded}.${encoded}.${encoded}`]) {
        assert.equal(await seal.open(garbage, place), undefined)
      }
      for (const forged of [text, '{}', 'null', '{"alg":"dir"}', '{"alg":"none","enc":"A256GCM"}']) {
        const parts = [Buffer.from(forged).toString('base64url'), ...sealed.split('.').slice(1)]
        assert.equal(await seal.open(parts.join('.'), place), undefined)
      }
    }),
  )
  assert.equal(await seal.open('A'.repeat(32 * 1024), place), undefined)
})

test('without a key there is nothing to seal with', () => {
  assert.throws(() => sealOf(), /no key/)
})
