import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Compile } from 'typebox/compile'
import {
  AuthorizationParameters,
  CallbackParameters,
  ConsentParameters,
  optional,
  RevocationParameters,
  required,
  TokenParameters,
} from '../../../src/plugins/oauth-proxy/parameters.ts'

test('a parameter has its value, whatever it is', () => {
  for (const value of ['x', ' ', '0', 'false', 'a b', '\0']) {
    assert.equal(optional({ state: value }, 'state'), value)
    assert.equal(required({ state: value }, 'state'), value)
  }
})

test('an empty parameter is none', () => {
  assert.equal(optional({ state: '' }, 'state'), undefined)
  assert.throws(() => required({ state: '' }, 'state'), { reason: 'parameter_missing' })
})

test('an absent parameter is none, and missed by name where it is needed', () => {
  assert.equal(optional({}, 'state'), undefined)
  assert.throws(() => required({}, 'state'), {
    name: 'Failure',
    reason: 'parameter_missing',
    details: { parameter: 'state' },
  })
})

for (const [name, value] of [
  ['twice', ['a', 'b']],
  ['twice the same', ['a', 'a']],
  ['once with and once without a value', ['a', '']],
  ['in a list of one', ['a']],
  ['in an empty list', []],
] as const) {
  test(`a parameter that comes ${name} is rejected by name, and its values are not repeated`, () => {
    for (const read of [optional, required]) {
      assert.throws(() => read({ redirect_uri: [...value] }, 'redirect_uri'), {
        name: 'Failure',
        reason: 'parameter_repeated',
        details: { parameter: 'redirect_uri' },
      })
    }
  })
}

test('other parameters do not matter', () => {
  assert.equal(required({ state: 'x', code: ['a', 'b'] }, 'state'), 'x')
})

const forms = {
  'an authorization request': AuthorizationParameters,
  'the callback': CallbackParameters,
  'the consent form': ConsentParameters,
  'a token request': TokenParameters,
  'a revocation': RevocationParameters,
}
for (const [name, schema] of Object.entries(forms)) {
  const form = Compile(schema)
  const names = Object.keys(schema.properties)

  test(`${name} may leave out everything, and bring more than anybody reads`, () => {
    assert.ok(form.Check({}))
    assert.ok(form.Check({ unknown: 'x', 'another[]': ['a', 'b'] }))
  })

  test(`${name} takes texts, and repeated ones so that they can be rejected by name`, () => {
    for (const one of names) {
      assert.ok(form.Check({ [one]: 'x' }) && form.Check({ [one]: ['a', 'b'] }), one)
    }
  })

  test(`${name} takes nothing that is endless or no text`, () => {
    for (const one of names) {
      for (const value of ['x'.repeat(24_577), ['x'.repeat(24_577)], Array(11).fill('x'), 7, null, {}, [['x']], [7]]) {
        assert.ok(!form.Check({ [one]: value }), `${one}: ${JSON.stringify(value).slice(0, 40)}`)
      }
    }
  })
}
