import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageOf } from './dockerfile.ts'

test('the image runs the server so that no signal opens a debugger, not even while it starts', () => {
  assert.deepEqual(imageOf('server').Cmd, ['node', '--disable-sigusr1', '/app/server.js'])
})
