import assert from 'node:assert/strict'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { generate } from 'selfsigned'
import { signIn as signInAtEntra } from '../../emulator/sign-in.ts'
import { askedFor, button, launchBrowser, signInSteps, startSite, tickAndAllow } from '../browser-helper.ts'
import { startTenant } from '../emulator/entra-helper.ts'
import { type Env, freePort, listen } from '../helper.ts'
import { authorizationUrl, register } from '../sign-in-helper.ts'

const tenant = await startTenant()
const browser = await launchBrowser('--host-resolver-rules=MAP *.example 127.0.0.1')

/** What a test has another site show, by path. */
const published = new Map<string, string>()
/** A client's redirect URI, which tells the window that opened it, and the pages of any other site. */
const { origin: siteOrigin, port } = await startSite(({ url = '' }, response) => {
  const [path = '', query] = url.split('?')
  const redirect = path === '/redirect' ? new URLSearchParams(query).get('to') : null
  if (redirect !== null) return response.writeHead(302, { location: redirect }).end()
  response.setHeader('content-type', 'text/html')
  const callback = '<h1>Client</h1><script>window.opener?.postMessage(location.search, location.origin)</script>'
  return response.end(
    `<!doctype html><title>A site</title><link rel="icon" href="data:,">${published.get(path) ?? callback}`,
  )
})
const callback = `${siteOrigin}/callback`
const { allow, atEntra, signIn, received } = signInSteps(tenant.origin, callback)

// The server is http://localhost: for Chromium a site is a scheme and a host, whatever the port.
const evilOrigin = `http://evil.example:${port}`
const otherPort = `http://localhost:${port}`

/** Puts a page on a site of another origin. */
function publish(html: string, origin = siteOrigin): string {
  const path = `/page-${published.size}`
  published.set(path, html)
  return `${origin}${path}`
}

const attribute = (value: string) => value.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

interface Server {
  readonly origin: string
  readonly clientId: string
}

/** A server of this test's own, and a client that is registered there. */
async function start(t: TestContext, env: Env = {}): Promise<Server> {
  const { origin } = await listen(t, env, tenant)
  return { origin, clientId: await registeredAt(origin) }
}

async function registeredAt(origin: string): Promise<string> {
  const { body } = await register(origin, { client_name: 'Note Taker', redirect_uris: [callback, `${callback}/2`] })
  return String(body['client_id'])
}

function askAt({ origin, clientId }: Server, changes: Readonly<Record<string, string | undefined>> = {}): string {
  return authorizationUrl(origin, clientId, { redirect_uri: callback, ...changes }).href
}

/** A fresh browser profile that fails the test over any console, script or policy message. */
async function openProfile(t: TestContext, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext(options)
  const complaints: string[] = []
  context.on('console', (message) => complaints.push(message.text()))
  context.on('weberror', (error) => complaints.push(error.error().message))
  t.after(async () => {
    await context.close()
    assert.deepEqual(complaints, [])
  })
  return context
}

/** A profile in which something is rejected, which browsers report in their console. */
async function openVictim(t: TestContext): Promise<BrowserContext> {
  const context = await browser.newContext()
  t.after(() => context.close())
  return context
}

/** The page of an error names its reason for the operator. */
async function assertRejected(page: Page, reason: RegExp): Promise<void> {
  await page.getByRole('alert').waitFor()
  assert.match((await page.getByRole('main').textContent()) ?? '', reason)
}

const formValue = async (page: Page) => (await page.locator('input[name="request"]').getAttribute('value')) ?? ''

/** A profile whose user has allowed the client once, and signed in. */
async function openConsented(t: TestContext, server: Server, context?: BrowserContext): Promise<Page> {
  const page = await (context ?? (await openProfile(t))).newPage()
  await page.goto(askAt(server))
  await allow(page)
  await signIn(page)
  return page
}

test('a sign-in from the address bar is shown, and one click is enough where consent was given', async (t) => {
  const server = await start(t)
  const page = await openConsented(t, server)
  await page.goto(askAt(server, { state: 'the second' }))
  assert.equal(await page.getByRole('checkbox').count(), 0)
  await button(page, 'Allow').click()
  await atEntra(page)
  assert.equal((await signIn(page))['state'], 'the second')
})

const to = (url: string) => attribute(String(new URLSearchParams({ to: url })))
const ways: [way: string, html: (url: string) => string, origin?: string][] = [
  ['a link of another address', (url) => `<a href="${attribute(url)}">Sign in</a>`],
  ['a link of another name', (url) => `<a href="${attribute(url)}">Sign in</a>`, evilOrigin],
  ['a link of another port', (url) => `<a href="${attribute(url)}">Sign in</a>`, otherPort],
  ['a link without a referrer', (url) => `<a rel="noreferrer" href="${attribute(url)}">Sign in</a>`],
  ['a script', (url) => `<a href="#" onclick="location = '${attribute(url)}'">Sign in</a>`],
  ['a redirect', (url) => `<a href="/redirect?${to(url)}">Sign in</a>`],
  [
    'a form',
    (url) => `<form action="/redirect"><input name="to" value="${attribute(url)}"><a><button>Go</button></a></form>`,
  ],
]
for (const [way, html, origin] of ways) {
  test(`a consent that was given is asked for again where ${way} leads here`, async (t) => {
    const server = await start(t)
    const page = await openConsented(t, server)
    await page.goto(publish(html(askAt(server)), origin))
    await page.locator('a').click()
    await page.waitForURL((url) => url.origin === server.origin)
    assert.equal(await askedFor(page), 'Note Taker')
    assert.equal(await page.getByRole('checkbox').count(), 1)
  })

  test(`the configured client is asked about where ${way} leads here`, async (t) => {
    const { origin: at } = await listen(t, {}, tenant)
    const server = { origin: at, clientId: tenant.api.clientId }
    const page = await (await openProfile(t)).newPage()
    await page.goto(publish(html(askAt(server)), origin))
    await page.locator('a').click()
    await page.waitForURL((url) => url.origin === server.origin)
    assert.equal(await page.getByRole('checkbox').count(), 1)
    await allow(page)
    assert.equal((await signIn(page))['iss'], server.origin)
  })
}

test('a consent that was given rides no address that was typed and redirects here', async (t) => {
  const server = await start(t)
  const page = await openConsented(t, server)
  await page.goto(`${evilOrigin}/redirect?${new URLSearchParams({ to: askAt(server) })}`)
  assert.equal(new URL(page.url()).origin, server.origin)
  assert.equal(await askedFor(page), 'Note Taker')
})

test('a consent that was asked for again because another site led here is asked for again after a reload', async (t) => {
  const server = await start(t)
  const page = await openConsented(t, server)
  await page.goto(publish(`<a href="${attribute(askAt(server))}">Sign in</a>`))
  await page.getByRole('link').click()
  await page.waitForURL((url) => url.origin === server.origin)
  await page.reload()
  assert.equal(await askedFor(page), 'Note Taker')
  assert.equal(await page.getByRole('checkbox').count(), 1)
})

test('a client whose redirect URI is an address of this server rides no consent of another', async (t) => {
  const server = await start(t)
  const page = await openConsented(t, server, await openVictim(t))
  const ridden = decodeURIComponent(askAt(server, { state: undefined, resource: undefined }))
  const { body } = await register(server.origin, { client_name: 'A rider', redirect_uris: [ridden] })
  const rider = { ...server, clientId: String(body['client_id']) }
  const lure = `<a href="${attribute(askAt(rider, { redirect_uri: ridden }))}">A cat</a>`
  await page.goto(publish(lure, evilOrigin))
  await page.getByRole('link').click()
  const deny = page.getByRole('button', { name: 'Cancel' })
  await deny.or(page.getByRole('alert')).waitFor()
  if (await deny.isVisible()) {
    await deny.click()
    await page.waitForURL((url) => url.href.startsWith(ridden) || url.origin === tenant.origin)
  }
  assert.equal(new URL(page.url()).origin, server.origin)
})

test('a consent counts for no other redirect URI', async (t) => {
  const server = await start(t)
  const page = await openConsented(t, server)
  await page.goto(askAt(server, { redirect_uri: `${callback}/2` }))
  assert.equal(await page.getByRole('checkbox').count(), 1)
})

test('a consent counts for no other client, be its description the same', async (t) => {
  const server = await start(t)
  const page = await openConsented(t, server)
  await page.goto(askAt({ ...server, clientId: await registeredAt(server.origin) }))
  assert.equal(await page.getByRole('checkbox').count(), 1)
})

test('a denial is not remembered, and takes no consent away', async (t) => {
  const server = await start(t)
  const page = await openConsented(t, server)
  await page.goto(publish(`<a href="${attribute(askAt(server))}">Sign in</a>`))
  await page.getByRole('link').click()
  await page.getByRole('button', { name: 'Cancel' }).click()
  assert.equal((await received(page))['error'], 'access_denied')
  await page.goto(askAt(server))
  await page.getByText('You have allowed this before').waitFor()
})

test('two tabs of one browser sign in at the same time, each with its own state', async (t) => {
  const server = await start(t)
  const context = await openProfile(t)
  const [one, other] = [await context.newPage(), await context.newPage()]
  await one.goto(askAt(server, { state: 'one' }))
  await other.goto(askAt(server, { state: 'other' }))
  await allow(one)
  await allow(other)
  assert.equal((await signIn(other))['state'], 'other')
  assert.equal((await signIn(one))['state'], 'one')
})

test('a sign-in that ends leaves no cookie of its own behind, and that of another tab', async (t) => {
  const server = await start(t)
  const context = await openProfile(t)
  const [one, other] = [await context.newPage(), await context.newPage()]
  await one.goto(askAt(server))
  await other.goto(askAt(server))
  await allow(one)
  await signIn(one)
  const names = (await context.cookies(server.origin)).map(({ name }) =>
    name.replace(/^((__Host-)?mcp-sign-in)-.+$/, '$1'),
  )
  assert.deepEqual(names.filter((name) => name.startsWith('mcp-')).sort(), ['mcp-consents', 'mcp-sign-in'])
})

test("another browser cannot go on from Microsoft's page, and the first one still can", async (t) => {
  const server = await start(t)
  const page = await (await openProfile(t)).newPage()
  await page.goto(askAt(server))
  await allow(page)
  const otherBrowser = await (await openVictim(t)).newPage()
  await otherBrowser.goto(page.url())
  await otherBrowser.getByRole('button', { name: 'Priya Varga' }).click()
  await assertRejected(otherBrowser, /sign_in_elsewhere/)
  assert.equal((await signIn(page))['iss'], server.origin)
})

test("another browser cannot end a sign-in with Microsoft's response, and the first one still can", async (t) => {
  const server = await start(t)
  const page = await (await openProfile(t)).newPage()
  await page.goto(askAt(server))
  await allow(page)
  const { url } = await signInAtEntra(new URL(page.url()), { user: 'rowan' })
  const otherBrowser = await (await openVictim(t)).newPage()
  await otherBrowser.goto(askAt(server))
  await otherBrowser.goto(String(url))
  await assertRejected(otherBrowser, /sign_in_elsewhere/)
  await page.goto(String(url))
  assert.equal((await received(page))['iss'], server.origin)
})

test('another browser cannot allow on a form that was not made for it, on the very page of this server', async (t) => {
  const server = await start(t)
  const page = await (await openProfile(t)).newPage()
  await page.goto(askAt(server))
  const otherBrowser = await (await openVictim(t)).newPage()
  await otherBrowser.goto(askAt(server))
  await otherBrowser.evaluate(`document.forms[0].elements.request.value = '${await formValue(page)}'`)
  await tickAndAllow(otherBrowser)
  await assertRejected(otherBrowser, /consent_form_rejected/)
})

for (const origin of [siteOrigin, evilOrigin, otherPort]) {
  test(`nothing is shown in a frame of ${new URL(origin).hostname}`, async (t) => {
    const server = await start(t)
    const context = await openVictim(t)
    const rejections: string[] = []
    context.on('console', (message) => rejections.push(message.text()))
    const page = await context.newPage()
    const responded = page.waitForResponse((response) => response.url().startsWith(`${server.origin}/authorize`))
    await page.goto(publish(`<h1>Win</h1><iframe src="${attribute(askAt(server))}"></iframe>`, origin))
    assert.equal((await responded).status(), 200)
    const framed = page.frameLocator('iframe')
    assert.doesNotMatch((await framed.locator('body').textContent()) ?? '', /Note Taker|Allow/)
    assert.equal(await framed.getByRole('button', { name: 'Allow' }).count(), 0)
    assert.match(rejections.join(), /frame-ancestors 'none'|X-Frame-Options/i)
  })
}

for (const origin of [siteOrigin, evilOrigin]) {
  const { hostname } = new URL(origin)

  test(`a form that ${hostname} posts, stolen from another browser, is rejected and takes no cookie along`, async (t) => {
    const server = await start(t)
    const thief = await (await openProfile(t)).newPage()
    await thief.goto(askAt(server))
    await assertForgeryFails(t, { server, origin, form: () => formValue(thief) })
  })

  test(`a form that ${hostname} posts, of the very browser, is rejected and takes no cookie along`, async (t) => {
    await assertForgeryFails(t, { server: await start(t), origin, form: formValue })
  })
}

test('a form that another port of this host posts, of the very browser, is rejected', async (t) => {
  await assertForgeryFails(t, { server: await start(t), origin: otherPort, form: formValue, cookies: true })
})

/** The middle of an element on its page, in a window of this size. */
async function placeOf(of: ReturnType<Page['locator']>): Promise<{ x: number; y: number }> {
  const box = await of.boundingBox()
  assert.ok(box)
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
}

const sizes = [
  { width: 1280, height: 900 },
  { width: 400, height: 320 },
]
for (const viewport of sizes) {
  for (const clicks of [2, 3, 6]) {
    const size = `${viewport.width} x ${viewport.height}`
    test(`${clicks} clicks at one place on a hostile page that leads here in between give no consent (${size})`, async (t) => {
      const server = await start(t)
      const context = await browser.newContext({ viewport })
      t.after(() => context.close())
      const page = await context.newPage()
      const decisions: string[] = []
      page.on('request', (request) => {
        if (request.url() === `${server.origin}/oauth/consent`) decisions.push(request.postData() ?? '')
      })
      const lure = publish(
        `<body style="margin:0"><button style="width:100vw;height:100vh" onclick="location = '${attribute(askAt(server))}'">Twice, please</button>`,
        evilOrigin,
      )
      // Wherever on the page the hostile one has its visitor click, the place of Allow and of the box included.
      await page.goto(askAt(server))
      const places = [await placeOf(button(page, 'Allow')), await placeOf(page.getByRole('checkbox'))]
      for (const { x, y } of places.filter((place) => place.y < viewport.height)) {
        await page.goto(lure)
        await page.mouse.click(x, y)
        await page.waitForURL((url) => url.origin === server.origin)
        await button(page, 'Allow').waitFor()
        for (let click = 1; click < clicks; click++) await page.mouse.click(x, y)
      }
      await page.goto(askAt(server))
      assert.equal(await askedFor(page), 'Note Taker')
      assert.deepEqual(
        decisions.filter((body) => body.includes('decision=allow')),
        [],
      )
    })
  }
}

test('Allow without the box says what is missing, without a script, and sends nothing', async (t) => {
  const server = await start(t)
  const context = await openProfile(t, { javaScriptEnabled: false })
  const page = await context.newPage()
  const decisions: string[] = []
  page.on('request', (request) => {
    if (request.method() === 'POST') decisions.push(request.url())
  })
  await page.goto(askAt(server))
  await button(page, 'Allow').click()
  assert.equal(
    await page.getByRole('checkbox').evaluate((box: { matches(s: string): boolean }) => box.matches(':focus')),
    true,
  )
  assert.deepEqual(decisions, [])
  await allow(page)
  assert.equal((await signIn(page))['iss'], server.origin)
})

test('a box that was ticked is not ticked when its page is come back to', async (t) => {
  const server = await start(t)
  const page = await (await openProfile(t)).newPage()
  await page.goto(askAt(server))
  await page.getByRole('checkbox').check()
  await page.goto(publish('<h1>Elsewhere</h1>'))
  await page.goBack()
  assert.equal(await page.getByRole('checkbox').isChecked(), false)
})

interface Forgery {
  readonly server: Server
  readonly origin: string
  /** The form's value, from the victim's page or anywhere else. */
  readonly form: (victim: Page) => Promise<string>
  /** Whether cookies come along: they know no ports. */
  readonly cookies?: boolean
}

/** A victim with a consent page open visits a page that posts the form's Allow by itself. */
async function assertForgeryFails(t: TestContext, { server, origin, form, cookies = false }: Forgery): Promise<void> {
  const context = await openVictim(t)
  const page = await context.newPage()
  await page.goto(askAt(server))
  const lure = publish(
    `<form method="post" action="${server.origin}/oauth/consent"><input name="request" value="${await form(page)}">
<input name="decision" value="allow"><input name="confirmed" value="yes"></form><script>document.forms[0].submit()</script>`,
    origin,
  )
  const other = await context.newPage()
  const responded = other.waitForResponse(`${server.origin}/oauth/consent`)
  await other.goto(lure)
  const response = await responded
  const { cookie = '' } = await response.request().allHeaders()
  assert.equal(cookie.includes('mcp-sign-in-'), cookies)
  assert.equal(response.status(), 403)
  await assertRejected(other, /consent_form_rejected|origin_not_allowed/)
  const kept = (await context.cookies(server.origin)).map(({ name }) => name)
  assert.deepEqual(
    kept.filter((name) => name.startsWith('mcp-consents')),
    [],
  )
}

test('a window that a client opened is tied to it until it is back, with the response', async (t) => {
  const server = await start(t)
  const page = await (await openProfile(t)).newPage()
  await page.goto(publish(opening(askAt(server))))
  const popup = await openWindow(page)
  assert.equal(await askedFor(popup), 'Note Taker')
  await allow(popup)
  const response = await signIn(popup)
  assert.equal(await popup.evaluate('window.opener !== null'), true)
  assert.deepEqual(await told(page), response)
})

test('a window that a client opened is tied to it where a consent page was denied', async (t) => {
  const server = await start(t)
  const page = await (await openProfile(t)).newPage()
  await page.goto(publish(opening(askAt(server))))
  const popup = await openWindow(page)
  await popup.getByRole('button', { name: 'Cancel' }).click()
  const response = await received(popup)
  assert.equal(response['error'], 'access_denied')
  assert.deepEqual(await told(page), response)
})

test('a window that the configured client opened is tied to it until it is back, with the response', async (t) => {
  const { origin } = await start(t)
  const page = await (await openProfile(t)).newPage()
  await page.goto(publish(opening(askAt({ origin, clientId: tenant.api.clientId }))))
  const popup = await openWindow(page)
  await allow(popup)
  const response = await signIn(popup)
  assert.deepEqual(await told(page), response)
})

test('a window that a client opened can read nothing of it while it is here', async (t) => {
  const server = await start(t)
  const page = await (await openProfile(t)).newPage()
  await page.goto(publish(opening(askAt(server))))
  const popup = await openWindow(page)
  assert.equal(await askedFor(popup), 'Note Taker')
  await assert.rejects(page.evaluate('opened.document.title'), /SecurityError/)
})

const opening = (to: string) => `<button onclick="opened = open('${attribute(to)}', 'sign-in', 'width=500,height=700')">
Sign in</button><output></output>
<script>addEventListener('message', ({ origin, data }) => {
  if (origin === location.origin) document.querySelector('output').textContent = data
})</script>`

async function openWindow(page: Page): Promise<Page> {
  const opened = page.waitForEvent('popup')
  await page.getByRole('button').click()
  return opened
}

async function told(page: Page): Promise<Record<string, string>> {
  const output = page.locator('output:not(:empty)')
  return Object.fromEntries(new URLSearchParams((await output.textContent()) ?? ''))
}

test('cookies of an https origin belong to its host alone, and hold through a sign-in', async (t) => {
  const tlsPort = await freePort()
  const origin = `https://mcp.example:${tlsPort}`
  tenant.api.redirectUris.web.push(`${origin}/oauth/callback`)
  const { app } = await listen(t, { PUBLIC_BASE_URL: origin }, tenant)
  await startTls(t, tlsPort, (app.server.address() as AddressInfo).port)
  const { body } = await app.inject({
    method: 'POST',
    url: '/register',
    headers: { host: new URL(origin).host },
    payload: { client_name: 'Note Taker', redirect_uris: [callback] },
  })
  const server = { origin, clientId: String(JSON.parse(body).client_id) }
  const context = await openProfile(t, { ignoreHTTPSErrors: true })
  const page = await context.newPage()
  await page.goto(askAt(server))
  await allow(page)

  const cookies = (await context.cookies(origin)).sort((a, b) => a.name.localeCompare(b.name))
  assert.deepEqual(
    cookies.map(({ name, domain, path, secure, httpOnly, sameSite: kind }) => ({
      name: name.replace(/^(__Host-mcp-sign-in)-.+$/, '$1'),
      ...{ domain, path, secure, httpOnly, kind },
    })),
    [
      {
        name: '__Host-mcp-consents',
        ...{ domain: 'mcp.example', path: '/', secure: true, httpOnly: true, kind: 'Strict' },
      },
      {
        name: '__Host-mcp-sign-in',
        ...{ domain: 'mcp.example', path: '/', secure: true, httpOnly: true, kind: 'Lax' },
      },
    ],
  )
  assert.equal((await signIn(page))['iss'], origin)
  await page.goto(askAt(server))
  await page.getByText('You have allowed this before').waitFor()
})

/** TLS in front of the server, as a load balancer has it. */
async function startTls(t: TestContext, from: number, to: number): Promise<void> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'mcp.example' }], { keySize: 2048 })
  const server = createTlsServer({ key, cert }, (socket) => {
    const inner = connect(to, '127.0.0.1')
    socket.on('error', () => inner.destroy()).on('close', () => inner.destroy())
    inner.on('error', () => socket.destroy())
    socket.pipe(inner).pipe(socket)
  })
  await new Promise<void>((listening) => server.listen(from, '127.0.0.1', listening))
  t.after(() => server.close())
}
