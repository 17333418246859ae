import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { createTokenSeal, maxSealedBytes } from '../../../src/plugins/obo-token-cache/token-seal.ts'

const newKey = () => randomBytes(32).toString('base64')
const [keyA, keyB] = [newKey(), newKey()]
const nowMs = 1_764_000_000_000
const place = 'prefix:obo:{key}'
const token = { accessToken: 'a token of Graph', expiresAtMs: nowMs + 60_000 }

const sealOf = (...keys: string[]) => createTokenSeal(keys, () => nowMs)
const seal = sealOf(keyA)
const sealed = seal.seal(token, place) ?? assert.fail()

/** The same bytes with one of them changed. */
function withByte(at: number, change: (byte: number) => number): Buffer {
  const changed = Buffer.from(sealed)
  changed.writeUInt8(change(changed.readUInt8(at)), at)
  return changed
}

test('a token comes back as it was, with its end', () => {
  assert.deepEqual(seal.open(sealed, place), token)
})

test('any text and any end come back', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 5_000 }).map((text) => Buffer.from(text).toString())
  fc.assert(
    fc.property(texts, fc.integer({ min: nowMs + 1, max: nowMs * 2 }), (accessToken, expiresAtMs) => {
      const bytes = seal.seal({ accessToken, expiresAtMs }, place) ?? assert.fail()
      assert.deepEqual(seal.open(bytes, place), { accessToken, expiresAtMs })
    }),
  )
})

test('one token sealed a thousand times gives a thousand values under one key id', () => {
  const values = Array.from({ length: 1_000 }, () => seal.seal(token, place)?.toString('hex') ?? '')
  assert.equal(new Set(values).size, 1_000)
  assert.equal(new Set(values.map((value) => value.slice(8, 32))).size, 1_000, 'an IV came twice')
  assert.equal(new Set(values.map((value) => value.slice(0, 8))).size, 1)
})

test('the key id tells keys apart and is no part of a key', () => {
  const [a, b] = [sealed.subarray(0, 4), sealOf(keyB).seal(token, place)?.subarray(0, 4) ?? assert.fail()]
  assert.ok(!a.equals(b))
  assert.ok(!Buffer.from(keyA, 'base64').includes(a))
  assert.ok(sealOf(keyA).seal(token, place)?.subarray(0, 4).equals(a), 'replicas must agree')
})

test('nothing of a token or its place can be read', () => {
  const text = sealed.toString('latin1')
  for (const readable of ['token', 'Graph', 'prefix', 'obo', 'key']) assert.ok(!text.includes(readable), readable)
})

test('a value with a flipped bit opens nothing, whichever it is', () => {
  for (let at = 0; at < sealed.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = withByte(at, (byte) => byte ^ (1 << bit))
      assert.equal(seal.open(changed, place), undefined, `bit ${bit} of byte ${at}`)
      assert.equal(sealOf(keyB, keyA).open(changed, place), undefined, `bit ${bit} of byte ${at}, with two keys`)
    }
  }
})

test('a truncated value opens nothing, from either end', () => {
  for (let length = 0; length < sealed.length; length++) {
    assert.equal(seal.open(sealed.subarray(0, length), place), undefined, `the first ${length}`)
    assert.equal(seal.open(sealed.subarray(sealed.length - length), place), undefined, `the last ${length}`)
  }
})

test('a longer value opens nothing', () => {
  for (const more of [Buffer.alloc(1), Buffer.alloc(16), sealed]) {
    assert.equal(seal.open(Buffer.concat([sealed, more]), place), undefined)
    assert.equal(seal.open(Buffer.concat([more, sealed]), place), undefined)
  }
})

for (const elsewhere of ['prefix:obo:{other}', 'prefix:obo:{key}:lock', 'other:obo:{key}', '', `${place} `]) {
  test(`a value that was copied to “${elsewhere}” opens nothing`, () => {
    assert.equal(seal.open(sealed, elsewhere), undefined)
  })
}

test('a value of another key opens nothing, even under this one’s id', () => {
  const foreign = sealOf(keyB).seal(token, place) ?? assert.fail()
  assert.equal(seal.open(foreign, place), undefined)
  assert.equal(seal.open(Buffer.concat([sealed.subarray(0, 4), foreign.subarray(4)]), place), undefined)
})

test('parts of two values make no third', () => {
  const other = seal.seal(token, place) ?? assert.fail()
  for (let cut = 5; cut < sealed.length; cut++) {
    const mixed = Buffer.concat([sealed.subarray(0, cut), other.subarray(cut)])
    // Random IVs may begin alike.
    if (!mixed.equals(other)) assert.equal(seal.open(mixed, place), undefined, `cut at ${cut}`)
  }
})

test('while keys are rotated all of them open, and the first alone seals', () => {
  const [before, during, after] = [sealOf(keyA), sealOf(keyB, keyA), sealOf(keyB)]
  assert.deepEqual(during.open(sealed, place), token)
  const fresh = during.seal(token, place) ?? assert.fail()
  assert.deepEqual([during.open(fresh, place), after.open(fresh, place)], [token, token])
  assert.equal(before.open(fresh, place), undefined)
  assert.equal(after.open(sealed, place), undefined, 'a key that was dropped still opens')
})

test('a token opens until its end, and not at that moment', () => {
  for (const [passedMs, expected] of [
    [59_999, token],
    [60_000, undefined],
    [60_001, undefined],
  ] as const) {
    assert.deepEqual(createTokenSeal([keyA], () => nowMs + passedMs).open(sealed, place), expected, `${passedMs} ms`)
  }
})

test('what is sealed can be opened, or is not sealed at all', () => {
  const accessToken = 'x'.repeat(maxSealedBytes - 38)
  const largest = seal.seal({ ...token, accessToken }, place) ?? assert.fail()
  assert.equal(largest.length, maxSealedBytes)
  assert.equal(seal.open(largest, place)?.accessToken, accessToken)
  assert.equal(seal.seal({ ...token, accessToken: `${accessToken}x` }, place), undefined)
  assert.equal(seal.seal({ ...token, accessToken: 'é'.repeat(maxSealedBytes / 2) }, place), undefined)
})

test('garbage opens nothing, whatever it is and however large, and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(seal.open(Buffer.from(bytes), place), undefined)
      assert.equal(seal.open(Buffer.concat([sealed.subarray(0, 4), bytes]), place), undefined)
    }),
  )
  assert.equal(seal.open(Buffer.alloc(64 * 1024 * 1024), place), undefined)
})

test('without a key there is nothing to seal with', () => {
  assert.throws(() => createTokenSeal([]), /no key/)
})
