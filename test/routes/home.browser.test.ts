import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { assertLooks, button, heading, launchBrowser, strictContext } from '../browser-helper.ts'
import { startTenant } from '../emulator/entra-helper.ts'
import { listen } from '../helper.ts'

const tenant = await startTenant()
const browser = await launchBrowser()

async function openHome(
  t: TestContext,
  options: BrowserContextOptions = {},
  { path = '/', env = {} }: { path?: string; env?: Record<string, string> } = {},
): Promise<{ page: Page; origin: string }> {
  const { origin } = await listen(t, env, tenant)
  const context = await strictContext(t, browser, { ...options, origins: [origin] })
  const page = await context.newPage()
  await page.goto(`${origin}${path}`)
  return { page, origin }
}

const addressButton = 'Copy address'
const selected = (page: Page) => page.evaluate('getSelection().toString()')
const openAll = (page: Page) =>
  page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true')

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the home page fits and axe finds nothing, ${colorScheme}`, async (t) => {
    const { page } = await openHome(t, { colorScheme })
    await assertLooks(page, `home-${colorScheme}`)
    await openAll(page)
    await assertLooks(page, `home-${colorScheme}-open`)
  })
}

test('in forced colours it fits and axe finds nothing', async (t) => {
  const { page } = await openHome(t, { forcedColors: 'active' })
  await openAll(page)
  await assertLooks(page, 'home-forced')
})

test('a server under a long name fits', async (t) => {
  const operator = {
    OPERATOR_NAME: 'Contoso Collaboration Services',
    OPERATOR_CONTACT_URL: 'mailto:help@contoso.example',
  }
  const { page } = await openHome(t, {}, { env: { ...operator, MCP_ENABLE_WRITES: 'true' } })
  await assertLooks(page, 'home-operator')
})

test('a browser that opens the MCP endpoint sees the home page', async (t) => {
  const { page, origin } = await openHome(t, {}, { path: '/mcp' })
  assert.equal(page.url(), `${origin}/`)
  assert.equal(await heading(page), 'The Message Center for AI apps')
})

test('the button copies the address and says so', async (t) => {
  const { page, origin } = await openHome(t, { permissions: ['clipboard-read', 'clipboard-write'] })
  await button(page, addressButton).click()
  await page.getByText('Copied.').waitFor()
  assert.equal(await page.evaluate('navigator.clipboard.readText()'), `${origin}/mcp`)
})

test('a client’s button copies its configuration, by keyboard alone', async (t) => {
  const { page, origin } = await openHome(t, { permissions: ['clipboard-read', 'clipboard-write'] })
  const summary = page.locator('summary', { hasText: 'VS Code' })
  for (let n = 0; n < 30 && !(await summary.evaluate((each) => each.matches(':focus'))); n++) {
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('Copied.').waitFor()
  assert.deepEqual(JSON.parse(String(await page.evaluate('navigator.clipboard.readText()'))), {
    servers: { 'message-center': { type: 'http', url: `${origin}/mcp` } },
  })
})

test('where the clipboard is not available, the button selects the address and says how to copy it', async (t) => {
  const { page, origin } = await openHome(t)
  await page.evaluate(`Object.defineProperty(navigator, 'clipboard', { value: undefined })`)
  await button(page, addressButton).click()
  await page.getByText('Selected: copy it with').waitFor()
  assert.equal(await selected(page), `${origin}/mcp`)
})

test('without scripts there is no button, and one click selects the address', async (t) => {
  const { page, origin } = await openHome(t, { javaScriptEnabled: false })
  assert.equal(await page.getByRole('button').count(), 0)
  await page.getByText(`${origin}/mcp`, { exact: true }).first().click()
  assert.equal(await selected(page), `${origin}/mcp`)
  await page.locator('summary', { hasText: 'Cursor' }).click()
  await page.getByText('.cursor/mcp.json').waitFor()
})
