import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { compose } from './processes.ts'
import { connectTo } from './sign-in.ts'

test('with Redis: the server starts when Redis is healthy, and stores used codes there', async (t) => {
  const { origin, redisPort } = await compose(t, { withRedis: true })
  const codes = () => {
    const { stdout } = spawnSync('redis-cli', ['-p', redisPort, 'keys', '*:oauth:code:*'], { encoding: 'utf8' })
    return stdout.split('\n').filter((line) => line !== '')
  }
  assert.deepEqual(codes(), [])
  const { session } = await connectTo(origin)
  await session.close()
  assert.equal(codes().length, 1)
})
