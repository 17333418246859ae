import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCompose } from './compose.ts'
import { imageOf } from './dockerfile.ts'
import { compose } from './processes.ts'
import { connectTo } from './sign-in.ts'

const services = readCompose()

test('a client that knows only the address signs in and reads messages', async (t) => {
  const { origin } = await compose(t)
  const { session } = await connectTo(origin)
  const { value } = await session.call<{ value: unknown[] }>('getMessages', { top: 2 })
  await session.close()
  assert.equal(value.length, 2)
})

test('its home page leads to the page that tries it', async (t) => {
  const { origin } = await compose(t)
  const home = await (await fetch(origin, { headers: { accept: 'text/html' } })).text()
  const [, href = ''] = /<a href="([^"]*try-it[^"]*)"/.exec(home.replaceAll('&#61;', '=')) ?? []
  assert.equal((await fetch(href)).status, 200)
  const script = await fetch(new URL('/try-it/script', href))
  assert.deepEqual([script.status, script.headers.get('content-type')], [200, 'text/javascript; charset=utf-8'])
  assert.ok((await script.text()).length > 1_000)
})

for (const [name, service] of Object.entries(services)) {
  test(`${name} has no unneeded privileges`, () => {
    const { read_only, cap_drop, security_opt, pids_limit = 0, cpus = 0, mem_limit = '' } = service
    assert.deepEqual([read_only, cap_drop, security_opt], [true, ['ALL'], ['no-new-privileges:true']])
    assert.ok(pids_limit > 0 && cpus > 0)
    assert.match(mem_limit, /^\d+m$/)
    const user = service.user ?? imageOf(service.build?.target ?? '').User
    assert.match(user, /^[1-9]\d*:[1-9]\d*$/)
  })
}

test('ports are published on loopback only, by the service whose network is shared', () => {
  const published = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]))
  assert.deepEqual(published, [
    ['emulator', '127.0.0.1:8080:8080'],
    ['emulator', '127.0.0.1:9600:9600'],
  ])
  assert.equal(services['server']?.network_mode, 'service:emulator')
})

test('server and tenant have the origins by which a browser reaches them', () => {
  assert.equal(services['server']?.environment?.['PUBLIC_BASE_URL'], 'http://localhost:8080')
  assert.ok(services['emulator']?.command?.includes('--origin=http://localhost:9600'))
})

test('the compose file contains no secret', () => {
  for (const { environment = {} } of Object.values(services)) {
    for (const [name, value] of Object.entries(environment)) {
      if (/SECRET|KEY|PASSWORD|TOKEN/.test(name)) assert.equal(value ?? '', '', name)
    }
  }
})
