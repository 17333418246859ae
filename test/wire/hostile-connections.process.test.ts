import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Emulator } from '../../emulator/app.ts'
import { buildBundle, type RunningBundle } from '../bundle-helper.ts'
import { envFor, eventually, mcpHeaders, startTenant, toolCall } from '../helper.ts'
import { post } from '../security/harness.ts'

/** Everybody else is served within so long, whatever somebody does. */
const servedWithinMs = 12_000

const startBundle = buildBundle()

interface Victim extends RunningBundle {
  readonly tenant: Emulator
  /** A connection of the attacker, which reads nothing. */
  attack(bytes: string): Socket
  /** A user who has nothing to do with it has a response within the time. */
  servesOthers(): Promise<void>
}

/** The server with a heap of 256 MB, and a user who is served by it. */
async function start(t: TestContext, openFiles = 8_192): Promise<Victim> {
  const tenant = await startTenant(t)
  const own = { LOG_LEVEL: 'info', NODE_OPTIONS: '--max-old-space-size=256', TRUST_PROXY: 'loopback' }
  const server = await startBundle(t, { ...envFor(tenant), ...own }, { openFiles })
  await server.ready()
  const other = await tenant.mint({ user: 'rowan' })
  const { port } = new URL(server.origin)
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  return {
    ...server,
    tenant,
    attack(bytes) {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes))
      socket.on('error', () => {})
      socket.pause()
      sockets.push(socket)
      return socket
    },
    async servesOthers() {
      const serves = async () => {
        const response = await post(server.origin, toolCall('getMessages', { top: 0 }), other).catch(() => undefined)
        const isServed = response?.status === 200 && response.body.result?.isError !== true
        return isServed && (await server.probe('/healthz')).status === 200
      }
      await eventually(serves, servedWithinMs).catch(() => assert.fail(server.output.text.slice(-1_000)))
    },
  }
}

function request(method: string, path: string, headers: Record<string, string>, body = ''): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`)
  return `${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n${body}`
}

/** A call of a user as bytes. @param length what Content-Length says, where the body is not whole */
function callOf(token: string, message: object, length?: number): string {
  const body = JSON.stringify(message)
  const headers = { ...mcpHeaders(token), 'content-length': String(length ?? body.length) }
  return request('POST', '/mcp', headers, length === undefined ? body : body.slice(0, 1))
}

const times = (count: number) => Array.from({ length: count }, (_, i) => i)

test('30 sockets that pipeline 64 KiB of small requests and never read are closed, and the heap lives', async (t) => {
  const { attack, servesOthers, output } = await start(t)
  const small = 'GET / HTTP/1.1\r\nHost:x\r\n\r\n'
  const flood = small.repeat(Math.floor((64 * 1024) / small.length))
  for (const _ of times(3)) {
    const sockets = times(30).map(() => attack(flood))
    await servesOthers()
    for (const socket of sockets) socket.resume()
    await eventually(() => sockets.every(({ closed }) => closed), 60_000)
  }
  assert.doesNotMatch(output.text, /heap/)
})

for (const users of [1, 8]) {
  test(`200 sockets of ${users} users that do not read a large response take nothing from others`, async (t) => {
    const { tenant, attack, servesOthers } = await start(t)
    const content = '<p>A change</p>\n'.repeat(60)
    const value = times(440).map((i) => ({ id: `MC${1_000_000 + i}`, body: { contentType: 'html', content } }))
    tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body: { value } })
    const tokens = await Promise.all(times(users).map((i) => tenant.mint({ user: `load-0000${i}` })))
    for (const token of tokens) {
      for (const i of times(200 / users)) attack(callOf(token, toolCall('getMessages', { body: 'html', skip: i })))
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
    await servesOthers()
  })
}

test('194 unfinished bodies of two users take no place from others', async (t) => {
  const { tenant, attack, servesOthers } = await start(t)
  const tokens = await Promise.all(['load-00001', 'load-00002'].map((user) => tenant.mint({ user })))
  for (const token of tokens) for (const _ of times(97)) attack(callOf(token, toolCall('getMessages'), 1_000))
  await new Promise((resolve) => setTimeout(resolve, 500))
  await servesOthers()
})

test('2,065 unfinished token requests of seven addresses take no place from others', async (t) => {
  const { attack, servesOthers } = await start(t)
  for (const i of times(2_065)) {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '100',
      // An IPv6 customer has a whole /64.
      'x-forwarded-for': i % 7 === 6 ? `2001:db8::${i.toString(16)}` : `203.0.113.${i % 7}`,
    }
    attack(request('POST', '/token', headers))
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  await servesOthers()
})

test('idle sockets that use up the descriptors of the process are closed in seconds', async (t) => {
  const { attack, servesOthers } = await start(t, 128)
  for (const _ of times(300)) attack('')
  await new Promise((resolve) => setTimeout(resolve, 500))
  await servesOthers()
})
