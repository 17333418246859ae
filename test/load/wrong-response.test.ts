import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { request as forward } from 'undici'
import { runLoad } from '../../load/run.ts'
import { listen } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** What a run reports where a server sends one user's response to another, as no server must. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, { LOG_LEVEL: 'silent' }, tenant)
const folder = mkdtempSync(join(tmpdir(), 'load-wrong-'))
after(() => rmSync(folder, { recursive: true }))

/** In front of the server: every so-manieth call is made with the token of whoever called before, up to the last lie. */
async function startLiar(t: TestContext, liesEvery: number, lastLie = Number.POSITIVE_INFINITY): Promise<string> {
  let calls = 0
  let before: string | undefined
  const liar = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { host: _, connection: __, ...headers } = request.headers
    const own = headers.authorization
    const isLying = ++calls % liesEvery === 0 && calls <= lastLie && before !== undefined
    const authorization = isLying ? before : own
    before = own
    const forwarded = await forward(`${origin}/mcp`, {
      method: 'POST',
      headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      body: Buffer.concat(chunks),
    })
    response.writeHead(forwarded.statusCode, { 'content-type': 'application/json' }).end(await forwarded.body.text())
  })
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    liar.closeAllConnections()
    liar.close()
  })
  return `http://127.0.0.1:${(liar.address() as AddressInfo).port}`
}

async function load(...args: readonly string[]) {
  const out: string[] = []
  const streams = {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: () => true },
    signal: new AbortController().signal,
  }
  const json = join(folder, 'report.json')
  const code = await runLoad([...args, '--json', json], streams)
  return { code, out: out.join(''), report: JSON.parse(readFileSync(json, 'utf8')) }
}

const isolation = ['isolation', '--users', '5', '--calls', '60', '--connections', '3']

test('a server that tells the truth passes', async () => {
  const { code, out, report } = await load(...isolation, '--target', origin, '--tenant', tenant.origin)
  assert.equal(code, 0, out)
  assert.match(out, /✔ every response belongs to its call and its caller: 60 calls, 0 wrong responses/)
  assert.equal(report.passed, true)
})

test('one user’s response sent to another fails the run, and the report says so', async (t) => {
  const liar = await startLiar(t, 20)
  const { code, out, report } = await load(...isolation, '--target', liar, '--tenant', tenant.origin)
  assert.equal(code, 1)
  assert.match(out, /✘ every response belongs to its call and its caller: 60 calls, 3 wrong responses/)
  assert.match(out, /WRONG RESPONSE: was read as [0-9a-f-]{36}/)
  assert.match(out, /FAILED$/m)
  assert.equal(report.measurements[0].wrong, 3)
})

test('a wrong response during the warm-up, which the table leaves out, fails the run as well', async (t) => {
  const liar = await startLiar(t, 7, 60)
  const small = ['--users', '10', '--seconds', '1', '--connections', '2']
  const { code, out, report } = await load(...['mixed-tools', ...small, '--target', liar, '--tenant', tenant.origin])
  assert.equal(code, 1, out)
  assert.equal(report.measurements[0].wrong, 0)
  assert.match(out, /✘ every response belongs to its call and its caller: .* wrong responses, the first was read as/)
})

test('the open model finds it too', async (t) => {
  const liar = await startLiar(t, 10)
  const { code, out } = await load('cold-burst', '--users', '20', '--target', liar, '--tenant', tenant.origin)
  assert.equal(code, 1)
  assert.match(out, /✘ every response belongs to its call and its caller/)
})

test('with tokens from a file alone, the shape of responses is checked, and the run claims no more', async () => {
  const tokens = join(folder, 'tokens.txt')
  const minted = await Promise.all(['load-1', 'load-2'].map((user) => tenant.mint({ user })))
  writeFileSync(tokens, minted.join('\n'))
  const { code, out } = await load(...isolation, '--target', origin, '--token-file', tokens)
  assert.equal(code, 0, out)
  assert.match(out, /belongs to its call \(to which caller, only an emulated tenant tells\)/)
  for (const token of minted) assert.ok(!out.includes(token) && !out.includes(token.slice(-20)))
})
