import { html } from 'ghtml'
import { isWrite } from '../../lib/graph-permissions.ts'
import { type Page, page, type Site } from '../../lib/page.ts'
import { placeOf } from '../../lib/redirect-policy.ts'
import { consentLifetimeDays } from './browser-cookies.ts'
import type { Client } from './clients.ts'
import type { ConsentForm } from './consent.ts'
import type { Context } from './context.ts'
import { redirectOwner } from './redirect-owner.ts'

/** What a user has to allow before their browser is sent to Entra, and the sealed form that brings it back. */
export type ConsentRequest = Pick<Context, 'permissions'> &
  Pick<ConsentForm, 'isRemembered'> & {
    readonly client: Client
    readonly redirectUri: string
    readonly site: Site
    readonly form: string
  }

const confirmation =
  '<label class="confirm"><input type="checkbox" name="confirmed" value="yes" required> <span>I just started this sign-in myself</span></label>'

/**
 * The consent page. It says who asks, where the sign-in goes, what it allows, and how to end it (Microsoft, "Edit or revoke
 * application permissions in the My Apps portal"). Fields: `request`, `decision`
 * (`allow`, `deny`), and `confirmed` (`yes`), without which nothing is allowed for the first time: a page that makes its
 * visitor click twice at one place, and puts this one there in between, gets no consent that way (clickjacking). So the
 * box and the button are far apart, and the page needs no script. Cancel comes first: it is what Enter does.
 */
export function consentPage({ client, redirectUri, permissions, site, form, isRemembered }: ConsentRequest): Page {
  const verbs = permissions.some(isWrite) ? 'read and make changes in' : 'read'
  return page(
    'Allow this app?',
    html`<h1>Allow !${nameOf(client, redirectUri)} to ${verbs} your Message Center?</h1>
<p class="note">!${identityOf(client)}</p>
!${destinationOf(redirectUri)}
<form method="post" action="/oauth/consent" autocomplete="off">
<input type="hidden" name="request" value="${form}">
!${isRemembered ? '<p>You have allowed this before in this browser.</p>' : confirmation}
<h2>It will be able to</h2>
<ul>
!${permissions.map(({ consent }) => html`<li>${consent}</li>`).join('\n')}
</ul>
<h2>For how long</h2>
<p>Until you or your administrator end it. To end it yourself, disconnect this server in the app. Where no administrator consented for you, <strong>myapps.microsoft.com</strong> ends it too: <strong>…</strong> beside this server, <strong>Manage your application</strong>, <strong>Revoke permissions</strong>.</p>
<p class="note">This browser remembers your choice for ${consentLifetimeDays} days: the next time, it asks without the box. The app never sees your password. Next, you sign in at Microsoft.</p>
<div class="buttons">
<button name="decision" value="deny" formnovalidate>Cancel</button>
<button name="decision" value="allow" class="primary">Allow</button>
</div>
</form>`,
    { site },
  )
}

/** Who asks, as safe HTML. A name that an app supplied stands in a frame, so that it cannot go on with the sentence. */
function nameOf({ kind, name }: Client, redirectUri: string): string {
  if (kind === 'configured') return html`<bdi>${configuredName(redirectUri)}</bdi>`
  return html`<span class="supplied"><bdi>${name}</bdi></span>`
}

/** The configured app has no name of its own: many can use its id, so that it is known by where it listens. */
function configuredName(redirectUri: string): string {
  const owner = redirectOwner(redirectUri)
  if (owner !== undefined) return owner
  switch (placeOf(redirectUri)) {
    case 'loopback':
      return 'a program on this computer'
    case 'app':
      return 'an app on this device'
    case 'web':
      return new URL(redirectUri).host
  }
}

/** How far the name can be trusted, as safe HTML. */
function identityOf({ kind, id }: Client): string {
  switch (kind) {
    case 'configured':
      return 'It uses this server’s own client ID, which is not secret.'
    case 'document':
      return html`<span class="badge">Name not verified</span> The app supplied it, in a document at <strong>${new URL(id).host}</strong>.`
    case 'registered':
      return '<span class="badge">Name not verified</span> The app supplied it.'
  }
}

/** Where the sign-in goes, as safe HTML. A program on this computer is the ordinary case; all else is a warning. */
function destinationOf(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri)
  switch (placeOf(redirectUri)) {
    case 'loopback':
      return html`<div class="box">
<h2>Your sign-in goes to</h2>
<p class="host">A program on this computer, at <strong>${host}</strong></p>
</div>`
    case 'app':
      return html`<div class="box warning" role="note">
<h2>Your sign-in goes to an app on this device</h2>
<p class="host">${redirectUri}</p>
<p>Any app on this device can claim addresses that begin with <strong>${protocol}</strong> Allow this only if you just started signing in there.</p>
</div>`
    case 'web': {
      const owner = redirectOwner(redirectUri)
      const whose =
        owner === undefined ? '' : `${owner}: everybody who connects an app or agent there shares this address. `
      return html`<div class="box warning" role="note">
<h2>Your sign-in leaves this computer and goes to</h2>
<p class="host">${host}</p>
<p><code>${redirectUri}</code></p>
<p>${whose}Allow this only if you recognize the address and just started signing in there.</p>
</div>`
    }
  }
}

/**
 * Sends the browser on after a form. A redirect would do so too, but browsers check every redirect that follows a form
 * against `form-action`, and Entra may redirect anywhere; a page ends that chain, and the policy can stay closed.
 */
export function onwardPage(url: string, { heading, text, site }: { heading: string; text: string; site: Site }): Page {
  return page(
    heading,
    html`<h1>${heading}</h1>
<p>${text}</p>
<p><a href="${url}">Continue</a> if nothing happens.</p>`,
    { site, head: html`<meta http-equiv="refresh" content="0; url=${url}">` },
  )
}
