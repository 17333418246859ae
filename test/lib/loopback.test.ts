import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback } from '../../src/lib/loopback.ts'

for (const [hostname, expected] of [
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['[::1]', true],
  ['::1', false],
  ['localhost.', false],
  ['localhost.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['0.0.0.0', false],
  ['[::ffff:127.0.0.1]', false],
  ['10.0.0.1', false],
] as const) {
  test(`${hostname} is ${expected ? '' : 'not '}this machine`, () => {
    assert.equal(isLoopback(hostname), expected)
  })
}
