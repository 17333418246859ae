import { html } from 'ghtml'
import { type Page, page } from '../../lib/page.ts'
import { placeOf } from '../../lib/redirect-policy.ts'
import type { Client } from './client.ts'

/** What a user is asked before their browser goes to Entra for an application that the operator did not name. */
export interface ConsentRequest {
  readonly client: Client
  readonly redirectUri: string
  /** What the application may do, a sentence each without a full stop. */
  readonly permits: readonly string[]
  /** This server's public origin. */
  readonly server: string
  /** The sealed request, which the form brings back. */
  readonly form: string
  /** Whether the user allowed the very same before: nothing has to be ticked. */
  readonly isRemembered: boolean
}

const confirmation =
  '<label class="confirm"><input type="checkbox" name="confirmed" value="yes" required> I have just started this sign-in myself</label>'

/**
 * Who asks, where the answer goes, what it allows: allow or deny. Fields: `request`, `decision` (`allow`, `deny`), and
 * `confirmed` (`yes`), without which nothing is allowed for the first time: a page that has its visitor click twice at
 * one place, and puts this one there in between, gets no consent by that. So the box and the button are far apart, and
 * it needs no script.
 */
export function consentPage({ client, redirectUri, permits, server, form, isRemembered }: ConsentRequest): Page {
  const identity = identityOf(client)
  const destination = destinationOf(redirectUri)
  return page(
    'Allow this application?',
    html`<p class="note">${new URL(server).host}</p>
<h1>Allow this application to read the Message Center as you?</h1>
<p class="name"><bdi>${client.name}</bdi></p>
<p class="note">!${identity}</p>
<h2>The sign-in goes to</h2>
!${destination}
<form method="post" action="/oauth/consent" autocomplete="off">
<input type="hidden" name="request" value="${form}">
!${isRemembered ? '<p>You have allowed this before, in this browser.</p>' : confirmation}
<h2>What it may do</h2>
<ul>
!${permits.map((line) => html`<li>${line}</li>`).join('\n')}
<li>Do so until you or your administrator end its access</li>
</ul>
<p class="note">It never sees your password. You sign in at Microsoft next.</p>
<div class="buttons">
<button name="decision" value="deny" formnovalidate>Deny</button>
<button name="decision" value="allow" class="allow">Allow</button>
</div>
</form>`,
  )
}

/** Where the sign-in goes, as safe HTML. */
function destinationOf(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri)
  switch (placeOf(redirectUri)) {
    case 'loopback':
      return html`<p class="host">This computer, to a program at <strong>${host}</strong></p>
<p class="warning" role="note">Allow it only if you have just started to sign in from a program on this computer.</p>`
    case 'app':
      return html`<p class="host">An app on this device, not a web site</p>
<p class="note">${redirectUri}</p>
<p class="warning" role="note">Any app on this device can claim addresses that begin with <strong>${protocol}</strong> Allow it only if you have just started to sign in from an app on it.</p>`
    case 'web':
      return html`<p class="host"><strong>${host}</strong></p>
<p class="note">${redirectUri}</p>
<p class="note">Allow it only if you know this address and have just started to sign in from there.</p>`
  }
}

/** What is known of whoever asks, as safe HTML. */
function identityOf({ kind, id }: Client): string {
  switch (kind) {
    case 'configured':
      return 'It goes by the client id of this server’s own app registration, which anybody may know.'
    case 'document':
      return html`It is published at <strong>${new URL(id).host}</strong>. The name is its own choice.`
    case 'registered':
      return 'Nobody has checked this name: the application chose it itself.'
  }
}

/**
 * Sends the browser on after a form. A redirect would do so too, but browsers hold every redirect that follows a form
 * against `form-action`, wherever Entra may lead; a page ends that chain, and the policy can stay closed.
 */
export function onwardPage(url: string, where: string): Page {
  return page(
    'One moment',
    html`<h1>One moment</h1>
<p>You are being taken to ${where}. <a href="${url}">Continue</a> if nothing happens.</p>`,
    html`<meta http-equiv="refresh" content="0; url=${url}">`,
  )
}
