import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { build, type Env } from '../../helper.ts'
import { startEmulator } from '../../tenant.ts'

const tenant = await startEmulator()
test.after(() => tenant.close())

const other = 'bbbbbbbb-cccc-dddd-eeee-ffffffffffff'
const { clientId } = tenant.api
const MCP_OAUTH_SEAL_KEY = randomBytes(32).toString('base64')

const starts: readonly [what: string, env: Env, warnings: readonly string[]][] = [
  ['a seal key of its own making', {}, ['seal_key_random']],
  ['a seal key that it was given', { MCP_OAUTH_SEAL_KEY }, []],
  [
    'an app that is not on the list',
    { MCP_OAUTH_SEAL_KEY, MCP_ALLOWED_CLIENT_IDS: other },
    ['proxy_client_not_allowed'],
  ],
  ['an app that is on the list', { MCP_OAUTH_SEAL_KEY, MCP_ALLOWED_CLIENT_IDS: `${other},${clientId}` }, []],
  ['no proxy', { MCP_OAUTH_PROXY: 'off', MCP_ALLOWED_CLIENT_IDS: other }, []],
]
for (const [what, env, warnings] of starts) {
  test(`a start with ${what} warns of ${warnings.join() || 'nothing'}`, async (t) => {
    const { logs } = await build(t, env, tenant)
    assert.deepEqual(
      logs.flatMap(({ event, level }) => (level >= 40 ? [event] : [])),
      warnings,
    )
  })
}
