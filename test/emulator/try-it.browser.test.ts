import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { assertLooks, button, heading, launchBrowser, strictContext, tickAndAllow } from '../browser-helper.ts'
import { listen } from '../helper.ts'
import { startTenant } from './entra-helper.ts'

/** From the home page through the proxy and the tenant to results in the server's view, as a newcomer does it. */

execFileSync(process.execPath, ['scripts/build-view.mjs'], { cwd: fileURLToPath(new URL('../..', import.meta.url)) })
const tenant = await startTenant()
const browser = await launchBrowser()

async function openHome(t: TestContext, options: BrowserContextOptions = {}): Promise<{ page: Page; origin: string }> {
  const env = { TRY_IT_URL: `${tenant.origin}/try-it`, LOG_LEVEL: 'silent' }
  const { origin } = await listen(t, env, tenant)
  const context = await strictContext(t, browser, {
    ...options,
    origins: [origin, tenant.origin],
    // A browser reports each 401 of its page as an error; being challenged is how a client learns where to sign in.
    isExpected: (message) => message.type() === 'debug' || message.text().includes('status of 401'),
  })
  const page = await context.newPage()
  await page.goto(origin)
  return { page, origin }
}

async function signIn(page: Page, person: string): Promise<void> {
  await button(page, 'Sign in').click()
  await tickAndAllow(page)
  await page.getByRole('button', { name: person }).click()
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a newcomer signs in from the home page, sees the digest and the latest messages, opens one, ${colorScheme}`, async (t) => {
    const { page, origin } = await openHome(t, { colorScheme })
    await page.getByRole('link', { name: /^Sign in and see/ }).click()
    assert.equal(await heading(page), 'Try the server')
    assert.equal(await page.getByLabel('Address of the server').inputValue(), `${origin}/mcp`)
    await assertLooks(page, `try-it-${colorScheme}`)
    await signIn(page, 'Rowan Reade')

    const digest = page.frameLocator('iframe[title=Digest]')
    await digest.getByRole('heading', { name: 'Message Center digest' }).waitFor()
    await digest.locator('main[aria-busy=false]').waitFor()
    assert.equal(new URL(page.url()).search, `?${new URLSearchParams({ server: `${origin}/mcp` })}`)
    assert.doesNotMatch(String(await page.evaluate('JSON.stringify([sessionStorage, localStorage])')), /eyJ/)
    await assertLooks(page, `try-it-digest-${colorScheme}`)

    await button(page, 'Latest messages').click()
    const messages = page.frameLocator('iframe[title="Latest messages"]')
    await messages.locator('.card button.title').first().click()
    await messages.locator('.text p').first().waitFor()
    await button(page, 'Digest').click()
    await digest.getByRole('heading', { name: 'Message Center digest' }).waitFor()
    await button(page, 'Sign out').click()
    await button(page, 'Sign in').waitFor()
  })
}

test('the keyboard alone is enough, from the home page to a message', async (t) => {
  const { page } = await openHome(t)
  /** Presses Tab until this has the focus, in whichever frame it is. */
  async function tabTo(name: string | RegExp, role: 'link' | 'button' | 'checkbox' = 'button') {
    for (let n = 0; n < 60; n++) {
      await page.keyboard.press('Tab')
      for (const frame of page.frames()) {
        const wanted = frame.getByRole(role, { name }).first()
        if ((await wanted.count()) > 0 && (await wanted.evaluate((each) => each.matches(':focus')))) return
      }
    }
    assert.fail(`Tab does not come to ${name}`)
  }
  await tabTo(/^Sign in and see/, 'link')
  await page.keyboard.press('Enter')
  await button(page, 'Sign in').waitFor()
  await tabTo('Sign in')
  await page.keyboard.press('Enter')
  await page.getByRole('checkbox').waitFor()
  await tabTo(/./, 'checkbox')
  await page.keyboard.press('Space')
  await tabTo('Allow')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Rowan Reade' }).waitFor()
  await tabTo(/^Rowan Reade/)
  await page.keyboard.press('Enter')
  const digest = page.frameLocator('iframe[title=Digest]')
  await digest.locator('.card button.title').first().waitFor()
  await tabTo((await digest.locator('.card button.title').first().innerText()).trim())
  await page.keyboard.press('Enter')
  await digest.locator('.text p').first().waitFor()
})

test('who must use MFA is sent to sign in once more, with the claims of the challenge', async (t) => {
  const { page } = await openHome(t)
  await page.getByRole('link', { name: /^Sign in and see/ }).click()
  await signIn(page, 'Mika')
  await page.waitForURL(({ searchParams }) => searchParams.get('claims') !== null)
  await tickAndAllow(page)
  await page.getByRole('button', { name: 'Mika' }).click()
  await page.frameLocator('iframe[title=Digest]').locator('main[aria-busy=false]').waitFor()
})

test('who may not read sees what the tool says', async (t) => {
  const { page } = await openHome(t)
  await page.getByRole('link', { name: /^Sign in and see/ }).click()
  await signIn(page, 'Nico')
  await page.frameLocator('iframe[title=Digest]').getByRole('alert').waitFor()
})

test('a sign-in that was denied says so, and can be tried again', async (t) => {
  const { page } = await openHome(t)
  await page.getByRole('link', { name: /^Sign in and see/ }).click()
  await button(page, 'Sign in').click()
  await button(page, 'Cancel').click()
  await page.getByRole('alert').waitFor()
  assert.match(await page.getByRole('alert').innerText(), /^The sign-in failed: /)
  await button(page, 'Sign in again').click()
  await page.getByRole('checkbox').waitFor()
})

for (const [what, query] of [
  ['of no sign-in of this tab', 'code=1&state=2'],
  ['without a state', 'code=1'],
  ['that is an error of no sign-in of this tab', 'error=access_denied&error_description=Call+this+number&state=2'],
] as const) {
  test(`a response ${what} is not used`, async (t) => {
    const { page } = await openHome(t)
    await page.goto(`${tenant.origin}/try-it?${query}`)
    assert.match(await page.getByRole('alert').innerText(), /was not started in this tab/)
    assert.doesNotMatch(page.url(), /code|error/)
  })
}

for (const [what, server] of [
  ['that is no URL', 'nowhere'],
  ['outside of this machine', 'https://server.example/mcp'],
  ['where nothing listens', 'http://127.0.0.1:9/mcp'],
] as const) {
  test(`an address ${what} is an error, and nothing leaves this machine`, async (t) => {
    const context = await browser.newContext()
    t.after(() => context.close())
    const page = await context.newPage()
    const requested: string[] = []
    await context.route('**/*', (route) => {
      const { origin } = new URL(route.request().url())
      if (origin !== tenant.origin) requested.push(origin)
      return route.continue()
    })
    await page.goto(`${tenant.origin}/try-it?${new URLSearchParams({ server })}`)
    await button(page, 'Sign in').click()
    await page.getByRole('alert').waitFor()
    assert.deepEqual(
      requested.filter((origin) => !origin.startsWith('http://127.0.0.1')),
      [],
    )
  })
}
