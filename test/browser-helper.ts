import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import axe from 'axe-core'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type ConsoleMessage,
  chromium,
  type Page,
} from 'playwright-core'
import { chromiumPath } from '../scripts/shared/chromium.ts'

/** A Chromium without background network traffic; closed with the test file. */
export async function launchBrowser(...more: readonly string[]): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
      ...['--disable-sync', '--no-first-run', ...more],
    ],
  })
  after(() => browser.close())
  return browser
}

/** A site on loopback, such as a client's redirect URI; closed with the test file. */
export async function startSite(handle: RequestListener): Promise<{ origin: string; port: number }> {
  const site = createServer(handle)
  await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening))
  after(() => {
    site.closeAllConnections()
    site.close()
  })
  const { port } = site.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, port }
}

interface StrictOptions extends BrowserContextOptions {
  /** Of the sites that may be asked. */
  readonly origins: readonly string[]
  /** Whether the console may say this. */
  readonly isExpected?: (message: ConsoleMessage) => boolean
}

/** A fresh browser profile; fails the test over the console, errors of scripts, and requests to any other site. */
export async function strictContext(
  t: TestContext,
  browser: Browser,
  { origins, isExpected = () => false, ...options }: StrictOptions,
): Promise<BrowserContext> {
  const context = await browser.newContext(options)
  const complaints: string[] = []
  const elsewhere: string[] = []
  context.on('console', (message) => isExpected(message) || complaints.push(message.text()))
  context.on('weberror', (error) => complaints.push(error.error().message))
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (protocol !== 'data:' && !origins.includes(origin)) elsewhere.push(request.url())
  })
  t.after(async () => {
    await context.close()
    assert.deepEqual([complaints, elsewhere], [[], []])
  })
  return context
}

/** The page's heading. */
export const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent()

/** The client's name, in the question of the consent page. */
export const askedFor = (page: Page) => page.locator('bdi').textContent()

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

/** Allows on the consent page. */
export async function tickAndAllow(page: Page): Promise<void> {
  await page.getByRole('checkbox').check()
  await button(page, 'Allow').click()
}

/** Widths in CSS pixels: the narrowest that WCAG 2.2 asks for (1.4.10), a tablet, a desk. */
const widths = [320, 768, 1440]

/**
 * Fails where anything runs over the edge or axe finds a violation, at each width. Leaves screenshots in the temporary
 * folder.
 */
export async function assertLooks(page: Page, name: string): Promise<void> {
  for (const width of widths) {
    const size = `${name}-${width}`
    await page.setViewportSize({ width, height: 900 })
    await page.screenshot({ path: join(tmpdir(), `page-${size}.png`), fullPage: true })
    const beyond = await page.evaluate(
      `[...document.querySelectorAll('body, body *')]
        .filter((element) => {
          const { left, right } = element.getBoundingClientRect()
          if (left < 0 || right > document.documentElement.clientWidth) return true
          return getComputedStyle(element).display !== 'inline' && element.scrollWidth > element.clientWidth
        })
        .map((element) => element.outerHTML.slice(0, 100))`,
    )
    assert.deepEqual(beyond, [], size)
    // Not by a script element, which the pages' policies block, and not in frames, which have tests of their own.
    const violations = await page.evaluate(
      `${axe.source}; axe.run({ iframes: false }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))`,
    )
    assert.deepEqual(violations, [], size)
  }
}

/** Steps of a user from the consent page to a client's redirect URI. */
export function signInSteps(tenantOrigin: string, callback: string) {
  async function allow(page: Page): Promise<void> {
    await tickAndAllow(page)
    await atEntra(page)
  }

  async function atEntra(page: Page): Promise<void> {
    await page.waitForURL(({ origin }) => origin === tenantOrigin)
  }

  async function signIn(page: Page): Promise<Record<string, string>> {
    await page.getByRole('button', { name: 'Rowan Reade' }).click()
    return received(page)
  }

  /** The authorization response. */
  async function received(page: Page): Promise<Record<string, string>> {
    await page.waitForURL(({ href }) => href.startsWith(callback))
    return Object.fromEntries(new URL(page.url()).searchParams)
  }

  return { allow, atEntra, signIn, received }
}
