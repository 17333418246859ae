import { html } from 'ghtml'
import type { Page } from './page.ts'

export function signedOutPage(): Page {
  return {
    title: 'Signed out',
    main: html`<h1>You signed out of your account</h1>
<p>It’s a good idea to close all browser windows.</p>`,
  }
}
