import { html } from 'ghtml'
import type { User } from '../../directory.ts'
import type { AppRegistration } from '../../tenant.ts'
import type { ScopeRequest } from '../scopes.ts'
import type { Page } from './page.ts'

interface Consent {
  user: User
  app: AppRegistration
  scopes: ScopeRequest
  /** The next step, as a sentence. */
  then: string
  canary: string
}

/** Shows the requested scopes. Fields: `canary`, `consent` (`accept` or `cancel`). */
export function consentPage({ user, app, scopes, then, canary }: Consent): Page {
  return {
    title: 'Permissions requested',
    main: html`<p class="note">${user.userPrincipalName}</p>
<h1>Permissions requested</h1>
<p><strong>${app.displayName}</strong> would like to:</p>
!${scopes.resources.map(
      ({ resource, names }) => html`<h2>${resource.displayName}</h2>
<ul>!${names.map((name) => html`<li><code>${name}</code></li>`)}</ul>
`,
    )}
<p class="note">${then}</p>
<form method="post">
<input type="hidden" name="canary" value="${canary}">
<div class="buttons">
<button name="consent" value="cancel">Cancel</button>
<button name="consent" value="accept" class="primary">Accept</button>
</div>
</form>`,
  }
}
