import { html } from 'ghtml'
import type { Page } from './page.ts'

/** Field: `otc`, the user code. */
export function deviceCodePage(): Page {
  return {
    title: 'Sign in to your account',
    main: html`<h1>Enter code</h1>
<p class="note">Enter the code displayed on your app or device.</p>
<form method="get">
<label for="otc">Code</label>
<div class="row">
<input id="otc" name="otc" required autocomplete="off" autocapitalize="characters" spellcheck="false" autofocus>
<button>Next</button>
</div>
</form>`,
  }
}

export function deviceDonePage(): Page {
  return {
    title: 'Sign in to your account',
    main: html`<h1>You can close this window</h1>
<p>The device that showed the code continues by itself.</p>`,
  }
}
