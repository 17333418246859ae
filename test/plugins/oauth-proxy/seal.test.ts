import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeals, type Opened, type Purpose } from '../../../src/plugins/oauth-proxy/seal.ts'

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
const foreign = { refused: 'foreign' }

const seals = createSeals([keyA])
const codes = seals<unknown>('code')

const openedValue = <T>(opened: Opened<T>) => ('value' in opened ? opened.value : assert.fail(opened.refused))

test('whatever JSON can hold comes back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }), fc.constantFrom(...purposes), (value, purpose) => {
      const seal = seals<unknown>(purpose)
      assert.deepEqual(openedValue(seal.open(seal.seal(value, lifetimeMs))), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('a sealed text is base64url and shows nothing of its value', () => {
  const text = codes.seal({ secret: 'a'.repeat(100) }, lifetimeMs)
  assert.match(text, /^[A-Za-z0-9_-]+$/)
  assert.doesNotMatch(Buffer.from(text, 'base64url').toString('latin1'), /secret|aaa/)
})

test('one value sealed a thousand times gives a thousand texts', () => {
  const texts = Array.from({ length: 1_000 }, () => codes.seal('x', lifetimeMs))
  assert.equal(new Set(texts).size, 1_000)
  assert.equal(new Set(texts.map((text) => text.slice(0, 16))).size, 1_000, 'an IV came twice')
})

/** Values whose sealed bytes leave two, four and no spare bits in the last character. */
const ofEachLength: readonly [spareBits: number, value: string][] = [
  [2, 'five!'],
  [4, 'four'],
  [0, 'three3'],
]
for (const [spareBits, value] of ofEachLength) {
  const text = codes.seal(value, lifetimeMs)
  const bytes = Buffer.from(text, 'base64url')

  test(`with ${spareBits} spare bits the text is of the length that this is about`, () => {
    assert.equal(text.length * 6 - bytes.length * 8, spareBits)
    assert.equal(openedValue(codes.open(text)), value)
  })

  test(`every flipped bit of the bytes is refused, with ${spareBits} spare bits`, () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.deepEqual(codes.open(flipped.toString('base64url')), foreign, `bit ${bit}`)
    }
  })

  test(`every change of one character is refused, with ${spareBits} spare bits`, () => {
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= .\0é'
    for (let at = 0; at < text.length; at++) {
      for (const character of characters) {
        if (text[at] === character) continue
        const changed = text.slice(0, at) + character + text.slice(at + 1)
        assert.deepEqual(codes.open(changed), foreign, `${character} at ${at}`)
      }
    }
  })

  test(`every truncation is refused, from either end, with ${spareBits} spare bits`, () => {
    for (let length = 0; length < text.length; length++) {
      assert.deepEqual(codes.open(text.slice(0, length)), foreign, `the first ${length}`)
      assert.deepEqual(codes.open(text.slice(-length - 1).slice(1)), foreign, `the last ${length}`)
    }
  })

  test(`every extension is refused, with ${spareBits} spare bits`, () => {
    for (const more of ['A', 'AA', 'AAAA', '=', '==', ' ', '\n', '\0', '.', '-', text]) {
      assert.deepEqual(codes.open(text + more), foreign, JSON.stringify(more))
      assert.deepEqual(codes.open(more + text), foreign, JSON.stringify(more))
    }
  })
}

test('other spellings of the same bytes are refused: padded, and in the other alphabet', () => {
  const text = codes.seal({ long: 'x'.repeat(1_999) }, lifetimeMs)
  const bytes = Buffer.from(text, 'base64url')
  assert.equal(bytes.length % 3, 1, 'the text has padding to leave out')
  const padded = '='.repeat(2)
  const classic = bytes.toString('base64')
  assert.match(classic, /\+.*==$/)
  assert.match(classic, /\//)
  for (const other of [
    `${text}${padded}`,
    `${text}=`,
    classic,
    classic.replace(/=+$/, ''),
    classic.replaceAll('/', '_'),
    classic.replaceAll('+', '-').replace(/=+$/, ''),
    `${text.slice(0, 10)}\n${text.slice(10)}`,
    `${text.slice(0, 10)} ${text.slice(10)}`,
    bytes.toString('hex'),
  ]) {
    assert.deepEqual(codes.open(other), foreign, other.slice(0, 20))
  }
})

for (const purpose of purposes) {
  test(`what is sealed as ${purpose} is nothing else`, () => {
    const text = seals<string>(purpose).seal('x', lifetimeMs)
    for (const other of purposes.filter((one) => one !== purpose)) {
      assert.deepEqual(seals<string>(other).open(text), foreign, other)
    }
    assert.deepEqual(seals<string>(purpose).open(text), { value: 'x' })
  })
}

test('what is sealed with another key is foreign', () => {
  const text = createSeals([keyB])<string>('code').seal('x', lifetimeMs)
  assert.deepEqual(codes.open(text), foreign)
})

test('a server with the same key opens what another has sealed', () => {
  assert.deepEqual(createSeals([keyA])('code').open(codes.seal('x', lifetimeMs)), { value: 'x' })
})

test('while keys are rotated, all of them open and the first alone seals', () => {
  const [before, during, after] = [[keyA], [keyB, keyA], [keyB]].map((keys) => createSeals(keys)<string>('code'))
  assert.ok(before && during && after)
  const old = before.seal('old', lifetimeMs)
  assert.deepEqual(during.open(old), { value: 'old' })
  const fresh = during.seal('fresh', lifetimeMs)
  assert.deepEqual(during.open(fresh), { value: 'fresh' })
  assert.deepEqual(after.open(fresh), { value: 'fresh' })
  assert.deepEqual(before.open(fresh), foreign)
  assert.deepEqual(after.open(old), foreign, 'a key that was dropped still opens')
})

test('without a key there is nothing to seal with', () => {
  assert.throws(() => createSeals([])('code'), /no key/)
})

test('a text opens until its lifetime is over, and not at that moment', () => {
  let nowMs = 1_764_000_000_000
  const seal = createSeals([keyA], () => nowMs)<string>('code')
  const text = seal.seal('x', lifetimeMs)
  for (const [passedMs, expected] of [
    [0, { value: 'x' }],
    [lifetimeMs - 1, { value: 'x' }],
    [lifetimeMs, { refused: 'expired' }],
    [lifetimeMs + 1, { refused: 'expired' }],
    [10 * 365 * 86_400_000, { refused: 'expired' }],
  ] as const) {
    nowMs = 1_764_000_000_000 + passedMs
    assert.deepEqual(seal.open(text), expected, `${passedMs} ms`)
  }
})

test('what was sealed with an older key expires as well', () => {
  let nowMs = 0
  const old = createSeals([keyA], () => nowMs)('code').seal('x', lifetimeMs)
  const rotated = createSeals([keyB, keyA], () => nowMs)('code')
  nowMs = lifetimeMs - 1
  assert.deepEqual(rotated.open(old), { value: 'x' })
  nowMs = lifetimeMs
  assert.deepEqual(rotated.open(old), { refused: 'expired' })
})

test('a lifetime of a year is kept to the millisecond', () => {
  const yearMs = 365 * 86_400_000
  let nowMs = 1_764_000_000_123
  const seal = createSeals([keyA], () => nowMs)('registration')
  const text = seal.seal('x', yearMs)
  nowMs += yearMs - 1
  assert.deepEqual(seal.open(text), { value: 'x' })
  nowMs += 1
  assert.deepEqual(seal.open(text), { refused: 'expired' })
})

for (const [name, text] of [
  ['nothing', ''],
  ['a space', ' '],
  ['a NUL', '\0'],
  ['the shortest text that could hold an IV and a tag', 'A'.repeat(38)],
  ['a little more than that', 'A'.repeat(48)],
  ['zeros', 'A'.repeat(1_000)],
  ['the longest text', 'A'.repeat(16_384)],
  ['one that is too long', 'A'.repeat(16_385)],
  ['ten megabytes', 'A'.repeat(10 * 1024 * 1024)],
  ['a JWT', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.'],
  ['JSON', '{"value":"x"}'],
  ['lone surrogates', '\ud800\udfff'.repeat(30)],
  ['emoji', '🔑'.repeat(50)],
  ['the name of what every object has', '__proto__'],
] as const) {
  test(`${name} is foreign`, () => assert.deepEqual(codes.open(text), foreign))
}

test('garbage is foreign, whatever it is, and never throws', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString('base64url'))
  fc.assert(
    fc.property(fc.oneof(bytes, fc.string({ unit: 'binary', size: 'medium' }), fc.base64String()), (text) => {
      assert.deepEqual(codes.open(text), foreign)
    }),
    { numRuns: 500 },
  )
})

test('parts of two texts make no third', () => {
  const [one, other] = [codes.seal('a'.repeat(20), lifetimeMs), codes.seal('b'.repeat(20), lifetimeMs)]
  for (let cut = 1; cut < one.length; cut++) {
    const mixed = one.slice(0, cut) + other.slice(cut)
    // They may begin alike, or end so.
    if (mixed !== one && mixed !== other) assert.deepEqual(codes.open(mixed), foreign, `cut at ${cut}`)
  }
})

test('what is sealed can be opened, or is not sealed at all', () => {
  for (const length of [12_200, 12_300, 20_000]) {
    let text: string
    try {
      text = codes.seal('x'.repeat(length), lifetimeMs)
    } catch {
      continue
    }
    assert.ok('value' in codes.open(text), `${length} characters were sealed for good`)
  }
})
