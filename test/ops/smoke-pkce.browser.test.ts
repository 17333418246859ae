import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertLooks, heading, launchBrowser, tickAndAllow } from '../browser-helper.ts'
import { listen } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { ops } from './helper.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)
const browser = await launchBrowser()

test('smoke pkce signs in through a real browser; its last page loads nothing', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  const requests: string[] = []
  const consoleMessages: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('console', (message) => consoleMessages.push(message.text()))
  let shown: Promise<void> = Promise.resolve()
  const { code, out, err } = await ops(['smoke', 'pkce', '--url', origin, '--port', '0', '--timeout', '60'], {
    async openBrowser(url) {
      shown = signIn(url)
      // A failure would leave the command waiting; it is reported when `shown` is awaited.
      shown.catch(() => undefined)
    },
  })

  async function signIn(url: string): Promise<void> {
    await page.goto(url)
    await tickAndAllow(page)
    await page.getByRole('button', { name: 'Rowan Reade' }).click()
    await page.waitForURL(/^http:\/\/localhost:\d+\/\?/)
  }

  await shown
  assert.equal(code, 0, err)
  assert.match(out, /Sign-in works/)
  assert.equal(await heading(page), 'You are signed in')
  const last = new URL(page.url())
  assert.deepEqual(
    requests.filter((url) => new URL(url).port === last.port),
    [last.href],
  )
  assert.deepEqual(consoleMessages, [])
  await assertLooks(page, 'command-signed-in')
  await context.close()
})
