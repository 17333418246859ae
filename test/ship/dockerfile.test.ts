import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageOf } from './dockerfile.ts'

test('no signal opens a debugger in the image', () => {
  assert.deepEqual(imageOf('server').Cmd, ['node', '--disable-sigusr1', '/app/server.js'])
})
