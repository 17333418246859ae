import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { compose } from './processes.ts'
import { connectTo } from './sign-in.ts'

test('up with its Redis: the server starts when it is healthy, and leaves the code of a sign-in there', async (t) => {
  const { origin, redisPort } = await compose(t, { withRedis: true })
  const count = () => spawnSync('redis-cli', ['-p', redisPort, 'dbsize'], { encoding: 'utf8' }).stdout.trim()
  assert.equal(count(), '0')
  const { session } = await connectTo(origin)
  await session.close()
  assert.equal(count(), '1')
})
