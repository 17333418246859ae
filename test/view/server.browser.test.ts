import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ToolResult } from '../../view/result.ts'
import { listen, toolCall } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { openView } from './helper.ts'

/** The view as the server serves it, in a host that passes its calls on to the server. */

execFileSync(process.execPath, ['scripts/build-view.mjs'], { cwd: fileURLToPath(new URL('../..', import.meta.url)) })
const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, { LOG_LEVEL: 'silent', GRAPH_CACHE_TTL: '5m' }, tenant)
const token = await tenant.mint({ user: 'rowan' })
const resultFor = async (message: Parameters<typeof post>[1]) => (await post(origin, message, token)).body.result
const callTool = async (name: string, args: object = {}) =>
  (await resultFor(toolCall(name, { ...args }))) as unknown as ToolResult
const params = { uri: 'ui://message-center/view' }
const { contents } = (await resultFor({ jsonrpc: '2.0', id: 1, method: 'resources/read', params })) as unknown as {
  contents: { text: string }[]
}
const served = contents[0]?.text ?? ''

for (const [tool, heading] of [
  ['getMessages', 'Messages'],
  ['getDigest', 'Due and retiring'],
] as const) {
  test(`what ${tool} returns is shown, and a message of it is opened through the host`, async () => {
    const { frame, calls, errors, close } = await openView({ served, tool, result: await callTool(tool), callTool })
    await frame.getByRole('heading', { name: heading, exact: true }).waitFor()
    await frame.locator('.event').first().waitFor()
    assert.ok((await frame.locator('.card').count()) > 3)
    await frame.locator('.card button.title').first().click()
    await frame.locator('.text p').first().waitFor()
    assert.match(await frame.locator('.facts-list').innerText(), /MC\d+/)
    assert.equal(calls.at(-1)?.name, 'getMessage')
    assert.equal(await frame.getByRole('alert').count(), 0)
    assert.deepEqual(errors, [])
    await close()
  })
}
