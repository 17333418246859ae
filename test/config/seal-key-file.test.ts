import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ConfigError } from '../../src/config/index.ts'
import { readConfigWithSealKeyFile } from '../../src/config/seal-key-file.ts'

const key = randomBytes(32).toString('base64')
const env = {
  GRAPH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
  GRAPH_CLIENT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  GRAPH_CLIENT_SECRET: 'x',
}
const production = { ...env, NODE_ENV: 'production', PUBLIC_BASE_URL: 'https://mcp.contoso.example' }

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'seal-key-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}
const keysOf = (path: string, own: Readonly<Record<string, string>> = {}) =>
  readConfigWithSealKeyFile({ ...env, ...own }, { path }).oauthProxy?.sealKeys

test('a key is made where there is none, for its owner alone, and is the same the next time', (t) => {
  const own = folder(t)
  const path = join(own, 'key')
  const keys = keysOf(path)
  assert.match(keys?.join() ?? '', /^[A-Za-z0-9+/]{43}=$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(readFileSync(path, 'utf8').trim(), keys?.[0])
  assert.deepEqual(keysOf(path), keys)
  assert.deepEqual(readdirSync(own), ['key'])
  assert.notDeepEqual(keysOf(join(own, 'another')), keys)
})

test('a key that somebody put there is taken, with or without a line break, and the one before it', (t) => {
  const path = join(folder(t), 'key')
  const older = Buffer.alloc(32, 2).toString('base64')
  for (const [text, keys] of [
    [key, [key]],
    [`${key}\r\n`, [key]],
    [`${key},${older}\n`, [key, older]],
  ] as const) {
    writeFileSync(path, text)
    assert.deepEqual(keysOf(path), keys)
  }
})

for (const [what, own, keys] of [
  ['a key that is configured', { MCP_OAUTH_SEAL_KEY: key }, [key]],
  ['a proxy that is off', { MCP_OAUTH_PROXY: 'off' }, undefined],
  ['production', { ...production, MCP_OAUTH_SEAL_KEY: key }, [key]],
] as const) {
  test(`with ${what} no file is made, nor is one read`, (t) => {
    const path = join(folder(t), 'key')
    assert.deepEqual(keysOf(path, own), keys)
    assert.throws(() => statSync(path), { code: 'ENOENT' })
    writeFileSync(path, 'broken')
    assert.deepEqual(keysOf(path, own), keys)
  })
}

test('in production a key in a file does not stand for one that is configured', (t) => {
  const path = join(folder(t), 'key')
  writeFileSync(path, key)
  assert.throws(() => readConfigWithSealKeyFile(production, { path }), /MCP_OAUTH_SEAL_KEY is required in production/)
})

test('an invalid configuration makes no file', (t) => {
  const path = join(folder(t), 'key')
  assert.throws(() => keysOf(path, { PORT: 'x' }), ConfigError)
  assert.throws(() => statSync(path), { code: 'ENOENT' })
})

for (const [what, text] of [
  ['nothing', ''],
  ['half a key', key.slice(0, 20)],
  ['a key and more', `${key} x`],
  ['a key of 16 bytes', Buffer.alloc(16, 1).toString('base64')],
  ['a key in hex', Buffer.alloc(32, 1).toString('hex')],
  ['bytes', '\0\uffff'.repeat(22)],
] as const) {
  test(`a file with ${what} is named, with what to do, and stays as it is`, (t) => {
    const path = join(folder(t), 'key')
    writeFileSync(path, text)
    assert.throws(
      () => keysOf(path),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError)
        assert.deepEqual(
          error.errors.map(({ name, code }) => [name, code]),
          [[path, 'invalid']],
        )
        return text === '' || !error.message.includes(text)
      },
    )
    assert.equal(readFileSync(path, 'utf8'), text)
  })
}

test('a folder in its place is named', (t) => {
  const path = join(folder(t), 'key')
  mkdirSync(path)
  assert.throws(() => keysOf(path), /key cannot be read \(EISDIR\)/)
})

for (const [what, pathIn] of [
  ['a folder that is not there', (own: string) => join(own, 'missing/key')],
  ['a file system that takes no files', () => '/proc/self/key'],
] as const) {
  test(`without a file where none can be made: ${what}`, (t) => {
    assert.deepEqual(keysOf(pathIn(folder(t))), [])
  })
}

test('a key for the cache that is the one in the file is rejected', (t) => {
  const path = join(folder(t), 'key')
  writeFileSync(path, key)
  assert.throws(() => keysOf(path, { REDIS_URL: 'redis://localhost', CACHE_ENCRYPTION_KEY: key }), ConfigError)
})
