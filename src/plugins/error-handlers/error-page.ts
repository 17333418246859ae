import { html } from 'ghtml'
import { type Page, page } from '../../lib/page.ts'

/**
 * What went wrong, what to do, and where the log has the rest.
 *
 * @param reference the reason's name, where it may be told, and the request's id
 */
export function errorPage(text: string, reference: string): Page {
  return page(
    'Sign-in did not work',
    html`<h1>Sign-in did not work</h1>
<p role="alert">${text}</p>
<p class="note">For the operator of this server: ${reference}</p>`,
  )
}
