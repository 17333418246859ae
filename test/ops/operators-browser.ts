import { browse } from '../../demo/browser.ts'

/** A page as the operator's browser ended on. */
export interface LastPage {
  readonly status: number
  readonly headers: Headers
  readonly html: string
}

/**
 * An operator's browser: somebody of the tenant signs in, and it goes where it is sent, to the end.
 *
 * @param change what becomes of the address before it is opened, for what does not go as it should
 */
export function operatorsBrowser(user: string, change: (callback: URL) => URL = (url) => url, consent = true) {
  const pages: Promise<LastPage>[] = []
  return {
    async openBrowser(url: string): Promise<void> {
      const last = browse(url, { user, consent })
        .then(({ url: callback }) => fetch(change(callback)))
        .then(async (page) => ({ status: page.status, headers: page.headers, html: await page.text() }))
      // Some runs have no end: the test looks at the pages that there are.
      last.catch(() => undefined)
      pages.push(last)
    },
    pages,
  }
}
