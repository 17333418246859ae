import { hash } from 'node:crypto'
import { html } from 'ghtml'
import type { Client } from './client.ts'
import { placeOf } from './redirect-policy.ts'

/** A whole HTML document, and the Content-Security-Policy that belongs to it. */
export interface Page {
  readonly html: string
  readonly contentSecurityPolicy: string
}

const style = `
:root { color-scheme: light dark; --text: #1f2328; --muted: #57606a; --edge: #818a94; --panel: #fff; --ground: #f3f5f8; --action: #0f5cb5; --on-action: #fff; --caution: #fff4d6; --on-caution: #5c3d00 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaed; --muted: #a9b1bb; --edge: #7d8793; --panel: #1f242b; --ground: #12151a; --action: #7db8ff; --on-action: #06203f; --caution: #423308; --on-caution: #ffe2a0 }
}
*, ::before { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
main { width: min(100%, 32rem); padding: 2rem; background: var(--panel); border-radius: 1rem; box-shadow: 0 .125rem 1rem rgb(0 0 0 / .1) }
main > :last-child { margin-bottom: 0 }
h1 { margin: 0 0 1rem; font-size: 1.375rem; line-height: 1.25 }
h2 { margin: 1.25rem 0 .25rem; font-size: 1rem }
p, ul { margin: 0 0 .75rem }
ul { padding-left: 1.25rem }
.name { padding-left: .75rem; border-left: .25rem solid var(--action); font-size: 1.25rem; font-weight: 600 }
.host { font-size: 1.125rem }
.note { color: var(--muted); font-size: .875rem }
.warning { margin: .75rem 0; padding: .75rem 1rem; border-radius: .5rem; background: var(--caution); color: var(--on-caution) }
.confirm { display: flex; gap: .75rem; margin: 1rem 0 }
.confirm input { flex: none; width: 1.25rem; height: 1.25rem; margin: .125rem 0 0; accent-color: var(--action) }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; justify-content: flex-end; margin-top: 1.5rem }
button { min-height: 2.75rem; padding: .5rem 1.25rem; border: 1px solid var(--edge); border-radius: .5rem; background: transparent; color: inherit; font: inherit; cursor: pointer }
button:hover { text-decoration: underline }
.allow { background: var(--action); border-color: var(--action); color: var(--on-action); font-weight: 600 }
a { color: var(--action) }
:focus-visible { outline: 3px solid var(--action); outline-offset: 3px }
@media (max-width: 30rem) { body { padding: 0; place-items: start stretch; background: var(--panel) } main { box-shadow: none; padding: 1.5rem 1.25rem } button { flex: 1 1 8rem } }
`

// Nothing but the style sheet, by its hash; forms go back to this server and nowhere else.
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', style, 'base64')}'`,
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

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

/**
 * What went wrong, what to do, and where the log has the rest.
 *
 * @param reference the reason's name, where it may be told, and the request's id
 */
export function failurePage(text: string, reference: string): Page {
  return page(
    'Sign-in did not work',
    html`<h1>Sign-in did not work</h1>
<p role="alert">${text}</p>
<p class="note">For the operator of this server: ${reference}</p>`,
  )
}

/** @param main safe HTML, as `html` made it */
function page(title: string, main: string, head = ''): Page {
  return {
    contentSecurityPolicy,
    html: html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
!${head}
<style>!${style}</style>
</head>
<body>
<main>
!${main}
</main>
</body>
</html>
`,
  }
}
