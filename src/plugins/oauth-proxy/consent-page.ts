import { html } from 'ghtml'
import { type Page, page } from '../../lib/page.ts'
import { placeOf } from '../../lib/redirect-policy.ts'
import type { Client } from './clients.ts'

/** What a user has to allow before their browser is sent to Entra. */
export interface ConsentRequest {
  readonly client: Client
  readonly redirectUri: string
  /** What the app will be able to do, a sentence each without a full stop. */
  readonly permits: readonly string[]
  /** This server's public origin. */
  readonly server: string
  /** The sealed request, which the form brings back. */
  readonly form: string
  /** Whether the user allowed the very same before: no box has to be ticked. */
  readonly isRemembered: boolean
}

const confirmation =
  '<label class="confirm"><input type="checkbox" name="confirmed" value="yes" required> I just started this sign-in myself</label>'

/**
 * The client, its redirect URI and what it will be able to do: allow or deny. Fields: `request`, `decision` (`allow`,
 * `deny`), and `confirmed` (`yes`), without which nothing is allowed for the first time: a page that makes its visitor
 * click twice at one place, and puts this one there in between, gets no consent that way (clickjacking). So the box and
 * the button are far apart, and the page needs no script.
 */
export function consentPage({ client, redirectUri, permits, server, form, isRemembered }: ConsentRequest): Page {
  const identity = identityOf(client)
  const destination = destinationOf(redirectUri)
  return page(
    'Allow this app?',
    html`<p class="note">${new URL(server).host}</p>
<h1>Allow this app to read the Message Center as you?</h1>
<p class="name"><bdi>${client.name}</bdi></p>
<p class="note">!${identity}</p>
<h2>You will be redirected to</h2>
!${destination}
<form method="post" action="/oauth/consent" autocomplete="off">
<input type="hidden" name="request" value="${form}">
!${isRemembered ? '<p>You have allowed this before in this browser.</p>' : confirmation}
<h2>This app will be able to</h2>
<ul>
!${permits.map((line) => html`<li>${line}</li>`).join('\n')}
<li>Keep this access until you or your administrator revoke it</li>
</ul>
<p class="note">The app never sees your password. Next, you sign in at Microsoft.</p>
<div class="buttons">
<button name="decision" value="deny" formnovalidate>Deny</button>
<button name="decision" value="allow" class="allow">Allow</button>
</div>
</form>`,
  )
}

/** The redirect URI, as safe HTML. */
function destinationOf(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri)
  switch (placeOf(redirectUri)) {
    case 'loopback':
      return html`<p class="host">This computer: a program at <strong>${host}</strong></p>
<p class="warning" role="note">Allow this only if you just started signing in from a program on this computer.</p>`
    case 'app':
      return html`<p class="host">An app on this device, not a website</p>
<p class="note">${redirectUri}</p>
<p class="warning" role="note">Any app on this device can claim addresses that begin with <strong>${protocol}</strong> Allow this only if you just started signing in from an app on this device.</p>`
    case 'web':
      return html`<p class="host"><strong>${host}</strong></p>
<p class="note">${redirectUri}</p>
<p class="note">Allow this only if you recognize this address and just started signing in there.</p>`
  }
}

/** What is known about the client, as safe HTML. */
function identityOf({ kind, id }: Client): string {
  switch (kind) {
    case 'configured':
      return 'It uses the client ID of this server’s own app registration, which is public.'
    case 'document':
      return html`Published at <strong>${new URL(id).host}</strong>. The name was supplied by the app and has not been verified.`
    case 'registered':
      return 'This app’s name was supplied by the app and has not been verified.'
  }
}

/**
 * Sends the browser on after a form. A redirect would do so too, but browsers check every redirect that follows a form
 * against `form-action`, and Entra may redirect anywhere; a page ends that chain, and the policy can stay closed.
 */
export function onwardPage(url: string, where: string): Page {
  return page(
    'Redirecting',
    html`<h1>Redirecting</h1>
<p>You are being redirected to ${where}. <a href="${url}">Continue</a> if nothing happens.</p>`,
    html`<meta http-equiv="refresh" content="0; url=${url}">`,
  )
}
