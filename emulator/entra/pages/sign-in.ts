import { html } from 'ghtml'
import type { User } from '../../directory.ts'
import type { AppRegistration } from '../../tenant.ts'
import type { Page } from './page.ts'

interface SignIn {
  app: AppRegistration
  people: readonly User[]
  preselected: User | undefined
  canary: string
}

/** One button per user; the forms are posted to the same URL. Fields: `canary`, `login`. */
export function signInPage({ app, people, preselected, canary }: SignIn): Page {
  const others = people.filter((user) => user !== preselected)
  return {
    title: `Sign in to ${app.displayName}`,
    main: html`<h1>Sign in</h1>
<p>to continue to <strong>${app.displayName}</strong></p>
<form method="post">
<input type="hidden" name="canary" value="${canary}">
<ul class="people" aria-label="Pick an account">
!${preselected && person(preselected, true)}
!${others.map((user) => person(user, false))}
</ul>
</form>
<form method="post">
<input type="hidden" name="canary" value="${canary}">
<label for="login">Another account, by user name or object id</label>
<div class="row">
<input id="login" name="login" required autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="load-00042">
<button>Next</button>
</div>
</form>`,
  }
}

function person(user: User, chosen: boolean): string {
  return html`<li><button name="login" value="${user.id}"!${chosen ? ' class="chosen" autofocus' : ''}>
<strong>${user.displayName}</strong>
<span class="note">${user.userPrincipalName}</span>
<span class="note">${user.about}</span>
</button></li>
`
}
