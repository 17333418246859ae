import { browse } from '../../demo/browser.ts'

/** The page that the browser ends on. */
export interface LastPage {
  readonly status: number
  readonly headers: Headers
  readonly html: string
}

/**
 * An operator's browser: the user signs in, and it follows redirects to the last page.
 *
 * @param change alters the redirect URL before it is opened, for attacks and errors
 */
export function operatorsBrowser(user: string, change: (callback: URL) => URL = (url) => url, consent = true) {
  const pages: Promise<LastPage>[] = []
  return {
    async openBrowser(url: string): Promise<void> {
      const last = browse(url, { user, consent })
        .then(({ url: callback }) => fetch(change(callback)))
        .then(async (page) => ({ status: page.status, headers: page.headers, html: await page.text() }))
      // Some runs have no last page: the test awaits those that it needs.
      last.catch(() => undefined)
      pages.push(last)
    },
    pages,
  }
}
