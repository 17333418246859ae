import { html } from 'ghtml'
import { type Page, page } from '../../lib/page.ts'

/**
 * The page for a failed sign-in: what went wrong, what to do, and how to find it in the log.
 *
 * @param reference the reason, unless it is a 5xx, and the request's id
 */
export function errorPage(text: string, reference: string): Page {
  return page(
    'Sign-in failed',
    html`<h1>Sign-in failed</h1>
<p role="alert">${text}</p>
<p class="note">For the operator of this server: ${reference}</p>`,
  )
}
