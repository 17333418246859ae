import assert from 'node:assert/strict'
import { afterEach, type TestContext, test } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { assertLooks, launchBrowser, startSite } from '../browser-helper.ts'
import { authorizeUrl, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const { tenant } = emulator
const browser = await launchBrowser()

/** A client: shows in its title and text what came back to it, by query or by form. */
const { origin: clientOrigin } = await startSite(async (request, response) => {
  let form = ''
  for await (const chunk of request) form += chunk
  const parameters = new URLSearchParams(request.method === 'POST' ? form : request.url?.split('?')[1])
  response.setHeader('content-type', 'text/html')
  response.end(
    `<title>Client</title><link rel="icon" href="data:,"><pre>${JSON.stringify([...parameters.keys()])}</pre>`,
  )
})
const redirect = `${clientOrigin}/oauth/callback`

afterEach(() => {
  tenant.consent.clientToApi = 'granted'
})

/** A page of a fresh browser profile that fails the test over any console, script or policy error. */
async function open(t: TestContext, changes: Record<string, string> = {}, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  t.after(async () => {
    await context.close()
    assert.deepEqual(complaints, [])
  })
  await page.goto(authorizeUrl(emulator, { redirect_uri: redirect, ...changes }).href)
  return page
}

async function received(page: Page): Promise<string[]> {
  await page.waitForURL((url) => url.origin === new URL(redirect).origin)
  return JSON.parse((await page.locator('pre').textContent()) ?? '')
}

const person = (page: Page, name: string) => page.getByRole('button', { name })

for (const javaScriptEnabled of [true, false]) {
  const mode = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'

  test(`a user signs in ${mode}`, async (t) => {
    const page = await open(t, {}, { javaScriptEnabled })
    await person(page, 'Rowan Reade').click()
    assert.deepEqual(await received(page), ['code', 'session_state', 'state'])
  })

  test(`a user consents ${mode}`, async (t) => {
    tenant.consent.clientToApi = 'missing'
    const page = await open(t, {}, { javaScriptEnabled })
    await person(page, javaScriptEnabled ? 'Gale Adair' : 'Priya Varga').click()
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Permissions requested')
    await page.getByRole('button', { name: 'Accept' }).click()
    assert.deepEqual(await received(page), ['code', 'session_state', 'state'])
  })

  test(`a user cancels ${mode}`, async (t) => {
    tenant.consent.clientToApi = 'missing'
    const page = await open(t, {}, { javaScriptEnabled })
    await person(page, 'Nico Plain').click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    assert.deepEqual(await received(page), ['error', 'error_description', 'error_uri', 'state'])
  })
}

test('a form post submits itself with JavaScript', async (t) => {
  const page = await open(t, { response_mode: 'form_post' })
  await person(page, 'Rowan Reade').click()
  assert.deepEqual(await received(page), ['code', 'session_state', 'state'])
})

test('a form post has a button without JavaScript', async (t) => {
  const page = await open(t, { response_mode: 'form_post' }, { javaScriptEnabled: false })
  await person(page, 'Rowan Reade').click()
  await page.getByRole('button', { name: 'Continue' }).click()
  assert.deepEqual(await received(page), ['code', 'session_state', 'state'])
})

test('the keyboard is enough: the hinted user has the focus', async (t) => {
  const page = await open(t, { login_hint: 'priya@contoso.example' })
  assert.match((await page.locator(':focus').textContent()) ?? '', /Priya Varga/)
  await page.keyboard.press('Enter')
  assert.deepEqual(await received(page), ['code', 'session_state', 'state'])
})

test('any account can be typed into the labelled field', async (t) => {
  const page = await open(t)
  await page.getByLabel('Another account').fill('load-00042')
  await page.keyboard.press('Enter')
  assert.deepEqual(await received(page), ['code', 'session_state', 'state'])
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing and nothing runs over the edge in ${colorScheme} colours`, async (t) => {
    tenant.consent.clientToApi = 'missing'
    const page = await open(t, { login_hint: 'gale' }, { colorScheme })
    await assertLooks(page, `emulator-sign-in-${colorScheme}`)
    await person(page, 'Mika Fell').click()
    await assertLooks(page, `emulator-consent-${colorScheme}`)
    await page.goto(`${emulator.origin}/devicelogin`)
    await assertLooks(page, `emulator-device-${colorScheme}`)
    await page.goto(`${emulator.origin}/${emulator.tenantId}/oauth2/v2.0/logout`)
    await assertLooks(page, `emulator-signed-out-${colorScheme}`)
  })
}

test('every page says at its top that the tenant is emulated', async (t) => {
  const page = await open(t, {}, { viewport: { width: 320, height: 568 } })
  const box = await page.getByRole('banner').getByText('Emulated tenant').boundingBox()
  assert.ok(box !== null && box.y + box.height < 100)
})

test('an error page names its code, and offers nothing where no account would help', async (t) => {
  const page = await openRejected(t, { redirect_uri: 'https://fabrikam.example/cb' })
  assert.match((await page.getByRole('alert').textContent()) ?? '', /^AADSTS50011:/)
  assert.equal(await page.getByRole('link').count(), 0)
  await assertLooks(page, 'emulator-error')
})

test('an error page of an account offers another one, with which the sign-in goes on', async (t) => {
  const page = await openRejected(t)
  await page.getByLabel('Another account').fill('nobody')
  await page.keyboard.press('Enter')
  assert.match((await page.getByRole('alert').textContent()) ?? '', /^AADSTS50034:/)
  await page.getByRole('link', { name: 'another account' }).click()
  await person(page, 'Rowan Reade').click()
  assert.deepEqual(await received(page), ['code', 'session_state', 'state'])
})

/** A page on which an error is meant to come, which browsers report in their console. */
async function openRejected(t: TestContext, changes: Record<string, string> = {}): Promise<Page> {
  const context = await browser.newContext()
  t.after(() => context.close())
  const page = await context.newPage()
  await page.goto(authorizeUrl(emulator, { redirect_uri: redirect, ...changes }).href)
  return page
}
