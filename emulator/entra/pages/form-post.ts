import { html } from 'ghtml'
import type { Page } from './page.ts'

/** Served as a file, since the CSP allows no inline script. */
export const FORM_POST_SCRIPT = 'document.forms[0].submit()\n'

/** `response_mode=form_post`: posts the response to the client; a button does without scripts. */
export function formPostPage(action: string, parameters: Readonly<Record<string, string>>): Page {
  return {
    title: 'Working…',
    script: '/form-post.js',
    main: html`<h1>Signed in</h1>
<form method="post" action="${action}">
!${Object.entries(parameters).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">\n`)}
<button class="primary">Continue</button>
</form>`,
  }
}
