import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import type { Network } from '../../src/lib/public-client.ts'
import { signInLifetimeMs } from '../../src/plugins/oauth-proxy/browser-cookies.ts'
import {
  askedFor,
  assertLooks,
  button,
  launchBrowser,
  signInSteps,
  startSite,
  tickAndAllow,
} from '../browser-helper.ts'
import { startTenant } from '../emulator/entra-helper.ts'
import { type Env, listen } from '../helper.ts'
import { authorizationUrl, pkcePair, redeem, register, serveDocument, startClientHost } from '../sign-in-helper.ts'

const tenant = await startTenant()
const browser = await launchBrowser()

/** A client's own site: its redirect URI, and a page with a link to the address that its query names. */
const { origin: siteOrigin } = await startSite(({ url = '' }, response) => {
  const to = new URLSearchParams(url.split('?')[1]).get('to')?.replaceAll('&', '&amp;') ?? ''
  response.setHeader('content-type', 'text/html')
  response.end(
    `<!doctype html><title>Client</title><link rel="icon" href="data:,"><h1>Client</h1><a href="${to}">Sign in</a>`,
  )
})
const callback = `${siteOrigin}/callback`
const { allow, atEntra, signIn, received } = signInSteps(tenant.origin, callback)

interface Server {
  readonly origin: string
  readonly clientId: string
}

/** A server of this test's own, and a client that is registered there. */
async function start(
  t: TestContext,
  metadata: Readonly<Record<string, unknown>> = {},
  env: Env = {},
  network?: Network,
): Promise<Server> {
  const { origin } = await listen(t, env, tenant, network && { network })
  const { body } = await register(origin, { client_name: 'Note Taker', redirect_uris: [callback], ...metadata })
  return { origin, clientId: String(body['client_id']) }
}

function askAt({ origin, clientId }: Server, changes: Readonly<Record<string, string | undefined>> = {}): string {
  return authorizationUrl(origin, clientId, { redirect_uri: callback, ...changes }).href
}

interface ProfileOptions extends BrowserContextOptions {
  /** Whether a page is meant to answer 4xx, which browsers report in their console. */
  readonly failing?: boolean
}

/** A page of a fresh browser profile that fails the test over any console, script or policy message. */
async function open(t: TestContext, { failing = false, ...options }: ProfileOptions = {}): Promise<Page> {
  const context = await browser.newContext(options)
  const complaints: string[] = []
  context.on('console', (message) => complaints.push(message.text()))
  context.on('weberror', (error) => complaints.push(error.error().message))
  t.after(async () => {
    await context.close()
    const own = /^Failed to load resource: the server responded with a status of 40[034]/
    assert.deepEqual(failing ? complaints.filter((one) => !own.test(one)) : complaints, [])
  })
  return context.newPage()
}

function assertCode({ code, ...rest }: Readonly<Record<string, string>>, { origin }: Server): void {
  assert.match(code ?? '', /^[\w.-]{100,}$/)
  assert.deepEqual(rest, { state: 'a state', iss: origin })
}

function assertDenied(response: Readonly<Record<string, string>>, { origin }: Server): void {
  assert.deepEqual(response, {
    error: 'access_denied',
    error_description: 'The user denied access.',
    state: 'a state',
    iss: origin,
  })
}

for (const javaScriptEnabled of [true, false]) {
  const mode = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'

  test(`a user allows a registered client and signs in ${mode}`, async (t) => {
    const server = await start(t)
    const page = await open(t, { javaScriptEnabled })
    await page.goto(askAt(server))
    assert.equal(await askedFor(page), 'Note Taker')
    await allow(page)
    assertCode(await signIn(page), server)
  })

  test(`a user denies ${mode}`, async (t) => {
    const server = await start(t)
    const page = await open(t, { javaScriptEnabled })
    await page.goto(askAt(server))
    await button(page, 'Cancel').click()
    assertDenied(await received(page), server)
  })

  test(`the configured client goes to Microsoft without a question ${mode}`, async (t) => {
    const { origin } = await listen(t, {}, tenant)
    const server = { origin, clientId: tenant.api.clientId }
    const page = await open(t, { javaScriptEnabled })
    const shown: string[] = []
    page.on('framenavigated', (frame) => shown.push(new URL(frame.url()).origin))
    await page.goto(askAt(server))
    assertCode(await signIn(page), server)
    assert.deepEqual(shown, [tenant.origin, siteOrigin])
  })
}

test('the code that a browser brings back is worth tokens', async (t) => {
  const server = await start(t)
  const { verifier, challenge } = pkcePair()
  const page = await open(t)
  await page.goto(askAt(server, { code_challenge: challenge }))
  await allow(page)
  const { code = '' } = await signIn(page)
  const fresh = { code, verifier, clientId: server.clientId }
  const { status } = await redeem(server.origin, fresh, { redirect_uri: callback })
  assert.equal(status, 200)
})

test('the page of a client with a metadata document names the host of the document', async (t) => {
  const { network } = await startClientHost(t, serveDocument({ redirect_uris: [callback] }))
  const { origin } = await start(t, {}, {}, network)
  const server = { origin, clientId: 'https://client.example/oauth/notes.json' }
  const page = await open(t)
  await page.goto(askAt(server))
  assert.equal(await askedFor(page), 'Documented')
  await page.getByText('client.example', { exact: true }).waitFor()
  await assertLooks(page, 'consent-document')
  await allow(page)
  assertCode(await signIn(page), server)
})

test('a user who cancels at Microsoft is back at the client, which is told', async (t) => {
  const server = await start(t)
  tenant.tenant.consent.clientToApi = 'missing'
  t.after(() => {
    tenant.tenant.consent.clientToApi = 'granted'
  })
  const page = await open(t)
  await page.goto(askAt(server))
  await allow(page)
  await page.getByRole('button', { name: 'Nico Plain' }).click()
  await button(page, 'Cancel').click()
  const { error, state, iss } = await received(page)
  assert.deepEqual({ error, state, iss }, { error: 'access_denied', state: 'a state', iss: server.origin })
})

test('neither Microsoft nor the client learns from which address the browser came', async (t) => {
  const server = await start(t)
  const page = await open(t)
  const sent: Promise<Record<string, string>>[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(server.origin)) sent.push(request.allHeaders())
  })
  await page.goto(askAt(server))
  await allow(page)
  await signIn(page)
  const referrers = (await Promise.all(sent)).map(({ referer }) => referer)
  assert.deepEqual(new Set(referrers), new Set([undefined]))
})

test('without this server’s cookie the page of the error speaks of cookies', async (t) => {
  const server = await start(t)
  const page = await open(t, { failing: true })
  await page.goto(askAt(server))
  await page.context().clearCookies()
  await tickAndAllow(page)
  await assertFailure(page, 'consent_form_rejected')
  assert.match(
    (await page.getByRole('main').textContent()) ?? '',
    new RegExp(`cookies for ${new URL(server.origin).host}`),
  )
})

test('Enter on the page allows nothing', async (t) => {
  const server = await start(t)
  const page = await open(t)
  const decisions: string[] = []
  page.on('request', (request) => {
    if (request.url() === `${server.origin}/oauth/consent`) decisions.push(request.postData() ?? '')
  })
  await page.goto(askAt(server))
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  assert.equal(await page.locator(':focus').textContent(), 'Cancel')
  assert.deepEqual(decisions, [])
  await page.keyboard.press('Enter')
  assertDenied(await received(page), server)
})

test('a form that is sent without a choice denies', async (t) => {
  const server = await start(t)
  const page = await open(t)
  await page.goto(askAt(server))
  await page.evaluate('document.forms[0].submit()')
  assertDenied(await received(page), server)
})

test('the keyboard is enough: Tab comes to the box, to Cancel, then to Allow, and the focus is seen', async (t) => {
  const server = await start(t)
  const page = await open(t)
  await page.goto(askAt(server))
  for (const name of ['', 'Cancel', 'Allow']) {
    await page.keyboard.press('Tab')
    assert.equal(await page.locator(':focus').textContent(), name)
    if (name === '') await page.keyboard.press('Space')
    assert.equal(await page.evaluate('getComputedStyle(document.activeElement).outline.includes("solid 3px")'), true)
  }
  await page.keyboard.press('Enter')
  await atEntra(page)
  await page.getByLabel('Another account').fill('rowan')
  await page.keyboard.press('Enter')
  assertCode(await received(page), server)
})

const names: [what: string, name: string, shown: string][] = [
  ['markup', '<b>Notes</b><script>document.title = 1</script>', '<b>Notes</b><script>document.title = 1</script>'],
  ['quotes and entities', `"Notes' &quot; & “Mail”`, `"Notes' &quot; & “Mail”`],
  ['right-to-left letters', 'פתקים', 'פתקים'],
  ['characters that turn the direction of text', 'Notes\u202E moc.live\u2066\u200F', 'Notes moc.live'],
  ['zero-width characters', 'No\u200Bt\u200De\uFEFFs\u00AD', 'Notes'],
  ['lines', 'Notes\r\nIt is safe\tto allow\u2028this', 'Notes It is safe to allow this'],
  ['letters of another alphabet that look like Latin ones', 'Мicrosoft Teams', 'App with a misleading name'],
  ['nothing to be seen', '\u3164\u2800\u115F\u034F\uFE0F', 'Unnamed app'],
]
for (const [what, name, shown] of names) {
  test(`a name with ${what} is shown as plain text`, async (t) => {
    const server = await start(t, { client_name: name })
    const page = await open(t)
    await page.goto(askAt(server))
    assert.equal(await askedFor(page), shown)
    assert.equal(await page.locator('bdi > *, script').count(), 0)
    assert.equal(await page.title(), `Allow this app? · ${new URL(server.origin).host}`)
  })
}

test('the way back from Microsoft leads to a page with one click to Microsoft where the consent is remembered', async (t) => {
  const server = await start(t)
  const page = await open(t)
  await page.goto(askAt(server))
  await allow(page)
  await page.goBack()
  await page.getByText('You have allowed this before').waitFor()
  await button(page, 'Allow').click()
  await atEntra(page)
  assertCode(await signIn(page), server)
})

test('the way back from Microsoft leads to the question where another site began, and Allow works again', async (t) => {
  const server = await start(t)
  const page = await open(t)
  await page.goto(`${siteOrigin}/?${new URLSearchParams({ to: askAt(server) })}`)
  await page.getByRole('link').click()
  await allow(page)
  await page.goBack()
  assert.equal(await askedFor(page), 'Note Taker')
  await allow(page)
  assertCode(await signIn(page), server)
})

test('a user who went back after the end and signs in once more is told that it is finished', async (t) => {
  const server = await start(t)
  const page = await open(t, { failing: true })
  await page.goto(askAt(server))
  await allow(page)
  await signIn(page)
  await page.goBack()
  await page.getByRole('button', { name: 'Rowan Reade' }).click()
  await assertFailure(page, 'sign_in_elsewhere')
})

test('a callback that is opened again is told that it is finished', async (t) => {
  const server = await start(t)
  const page = await open(t, { failing: true })
  await page.goto(askAt(server))
  await allow(page)
  const back = page.waitForRequest((request) => request.url().startsWith(`${server.origin}/oauth/callback`))
  await signIn(page)
  await page.goto((await back).url())
  await assertFailure(page, 'sign_in_elsewhere')
})

test('a decision on the consent page that came too late is told so', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const server = await start(t)
  const page = await open(t, { failing: true })
  await page.goto(askAt(server))
  t.mock.timers.tick(signInLifetimeMs)
  await tickAndAllow(page)
  await assertFailure(page, 'sign_in_expired')
})

test('a sign-in that took too long at Microsoft is told so', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const server = await start(t)
  const page = await open(t, { failing: true })
  await page.goto(askAt(server))
  await allow(page)
  t.mock.timers.tick(signInLifetimeMs)
  await page.getByRole('button', { name: 'Rowan Reade' }).click()
  await assertFailure(page, 'sign_in_expired')
})

test('a page that holds the browser up has a link that goes on', async (t) => {
  const server = await start(t)
  const page = await open(t)
  await page.route(`${tenant.origin}/**`, (route) => route.abort('aborted'), { times: 1 })
  await page.goto(askAt(server))
  await tickAndAllow(page)
  await page.getByRole('link', { name: 'Continue' }).click()
  assertCode(await signIn(page), server)
})

test('every page has a language, a title, one heading and one main part', async (t) => {
  for await (const [name, page] of everyPage(t)) {
    assert.equal(await page.locator('html').getAttribute('lang'), 'en', name)
    assert.notEqual(await page.title(), '', name)
    assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1, name)
    assert.equal(await page.getByRole('main').count(), 1, name)
  }
})

test('the consent page says to a screen reader what it shows', async (t) => {
  const server = await start(t)
  const page = await open(t)
  await page.goto(askAt(server))
  const landmarks = ['banner', 'main'] as const
  for (const role of landmarks) assert.equal(await page.getByRole(role).count(), 1, role)
  const question = page.getByRole('heading', { level: 1, name: 'Allow Note Taker to read your Message Center?' })
  assert.equal(await question.count(), 1)
  assert.equal(await page.getByRole('heading', { level: 2 }).count(), 3)
  assert.equal(await page.getByRole('checkbox', { name: 'I just started this sign-in myself' }).count(), 1)
  assert.deepEqual(await page.getByRole('button').allTextContents(), ['Cancel', 'Allow'])
  assert.equal(await page.getByRole('listitem').count(), 1)
  assert.equal(await page.getByRole('note').count(), 0)
})

test('Allow is the one primary action', async (t) => {
  const page = await open(t)
  await page.goto(askAt(await start(t)))
  const behind = await page.evaluate(
    `[...document.querySelectorAll('button')].map((button) => [button.textContent, getComputedStyle(button).backgroundColor])`,
  )
  assert.deepEqual(behind, [
    ['Cancel', 'rgba(0, 0, 0, 0)'],
    ['Allow', 'rgb(15, 92, 181)'],
  ])
})

test('in forced colours the warning keeps its box, and buttons their edges', async (t) => {
  const far = 'https://notes.example/oauth/callback'
  const server = await start(t, { redirect_uris: [far] }, { MCP_OAUTH_REDIRECT_URI_PREFIXES: far })
  const page = await open(t, { forcedColors: 'active' })
  await page.goto(askAt(server, { redirect_uri: far }))
  const edges = await page.evaluate<Edge[]>(
    `[...document.querySelectorAll('[role="note"], button')].map((box) => {
      const { borderTopStyle, borderTopWidth, borderTopColor, backgroundColor } = getComputedStyle(box)
      return { style: borderTopStyle, width: borderTopWidth, line: borderTopColor, behind: backgroundColor }
    })`,
  )
  assert.equal(edges.length, 3)
  for (const { style, width, line, behind } of edges) {
    assert.equal(style, 'solid')
    assert.match(width, /^[12]px$/)
    assert.notEqual(line, behind)
  }
})

interface Edge {
  readonly style: string
  readonly width: string
  readonly line: string
  readonly behind: string
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`every text stands out from what is behind it in ${colorScheme} colours`, async (t) => {
    for await (const [name, page] of everyPage(t, { colorScheme })) {
      const texts = await textColours(page)
      assert.ok(texts.length > 2, name)
      const faint = texts.filter(({ text, behind }) => contrast(text, behind) < 4.5)
      assert.deepEqual(faint, [], name)
    }
  })

  test(`axe finds nothing and nothing runs over the edge on any page in ${colorScheme} colours`, async (t) => {
    for await (const [name, page] of everyPage(t, { colorScheme })) await assertLooks(page, `${name}-${colorScheme}`)
  })
}

/** Every kind of page that this server shows, one after the other, short and long. */
async function* everyPage(t: TestContext, options: ProfileOptions = {}): AsyncGenerator<[name: string, page: Page]> {
  const far = 'https://notes.example/oauth/callback'
  const farther = `https://${'long-'.repeat(12)}name.${'w'.repeat(63)}.${'sub.'.repeat(20)}example/${'path'.repeat(40)}`
  const app = 'com.example.app:/callback'
  const teams = 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'
  const server = await start(
    t,
    { redirect_uris: [callback, far, app] },
    {
      MCP_OAUTH_REDIRECT_URI_PREFIXES: ['http://127.0.0.1', far, farther, app, teams].join(),
      OPERATOR_NAME: 'W'.repeat(80),
      OPERATOR_CONTACT_URL: `https://help.contoso.example/${'w'.repeat(60)}`,
    },
  )
  const { body } = await register(server.origin, { client_name: 'W'.repeat(60), redirect_uris: [farther] })
  const wordy = { ...server, clientId: String(body['client_id']) }
  const page = await open(t, { failing: true, ...options })

  await page.goto(askAt(server))
  yield ['consent-loopback', page]
  await page.goto(askAt(server, { redirect_uri: far }))
  yield ['consent-https', page]
  await page.goto(askAt(server, { redirect_uri: app }))
  yield ['consent-app', page]
  await page.goto(askAt({ ...server, clientId: tenant.api.clientId }, { redirect_uri: teams }))
  yield ['consent-teams', page]
  await page.goto(askAt(wordy, { redirect_uri: farther }))
  yield ['consent-long', page]
  await page.goto(askAt({ ...server, clientId: 'nobody' }))
  yield ['error', page]
  await page.goto(askAt(server, { redirect_uri: `${farther}/elsewhere` }))
  yield ['error-redirect', page]
  await page.goto(`${server.origin}/nowhere`)
  yield ['error-unknown-path', page]
  await page.route(`${tenant.origin}/**`, (route) => route.abort('aborted'))
  await page.goto(askAt(server))
  await tickAndAllow(page)
  await page.getByRole('heading', { name: 'Continue at Microsoft' }).waitFor()
  yield ['onward', page]
}

/** The page of an error: what happened, and the reason for the administrator. */
async function assertFailure(page: Page, reason: string): Promise<void> {
  await page.getByRole('alert').waitFor()
  await page.getByRole('definition').getByText(reason, { exact: true }).waitFor()
}

interface Colours {
  readonly words: string
  readonly text: string
  readonly behind: string
}

/** Every element with text of its own: its colour, and the nearest background that is one. */
function textColours(page: Page): Promise<Colours[]> {
  return page.evaluate(
    `[...document.querySelectorAll('body *')]
      .filter(({ childNodes }) => [...childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
      .map((element) => {
        const backgrounds = []
        for (let one = element; one; one = one.parentElement) backgrounds.push(getComputedStyle(one).backgroundColor)
        return {
          words: element.textContent.trim(),
          text: getComputedStyle(element).color,
          behind: backgrounds.find((one) => one !== 'rgba(0, 0, 0, 0)'),
        }
      })`,
  )
}

/** WCAG 2.2, "contrast ratio" and "relative luminance". */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [, ...parts] = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour) ?? []
  assert.equal(parts.length, 3, `${colour} is not opaque`)
  const [red = 0, green = 0, blue = 0] = parts
    .map((part) => Number(part) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
