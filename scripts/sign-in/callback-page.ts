import { html } from 'ghtml'
import { type Page, page } from '../../src/lib/page.ts'

/** The page that the browser shows after the redirect. It loads nothing. */
export function callbackPage({ heading, text }: { readonly heading: string; readonly text: string }): Page {
  return page(heading, html`<h1>${heading}</h1><p>${text}</p>`)
}

/** Headers of such a page. */
export function callbackPageHeaders({ contentSecurityPolicy }: Page) {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    connection: 'close',
  } as const
}
