import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ToolResult } from '../../view/result.ts'
import { listen, toolCall } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { openView } from './helper.ts'

/** `npm run pictures`: the pictures of the README, of the view with what the server returns for the emulated tenant. */

const folder = fileURLToPath(new URL('../../docs/pictures/', import.meta.url))
const maxBytes = 150_000
const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, { LOG_LEVEL: 'silent' }, tenant)
const token = await tenant.mint({ user: 'rowan' })
const callTool = async (name: string, args: object = {}) =>
  (await post(origin, toolCall(name, { ...args }), token)).body.result as unknown as ToolResult

mkdirSync(folder, { recursive: true })
for (const theme of ['light', 'dark'] as const) {
  test(`docs/pictures/view-${theme}.png`, async () => {
    const args = { services: ['Exchange', 'Teams'] }
    const result = await callTool('getDigest', args)
    const shown = { tool: 'getDigest', args, result, callTool, theme, width: 900, height: 640, time: new Date() }
    const { page, frame, errors, close } = await openView(shown)
    await frame.locator('.event').first().waitFor()
    await page.addStyleTag({ content: 'iframe { height: 100vh !important }' })
    const picture = await page.screenshot({ animations: 'disabled' })
    assert.deepEqual(errors, [])
    assert.ok(picture.length <= maxBytes, `${picture.length} bytes`)
    writeFileSync(`${folder}view-${theme}.png`, picture)
    await close()
  })
}
