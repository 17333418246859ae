import { html } from 'ghtml'
import type { AadstsError, AadstsReport } from '../aadsts.ts'
import type { Page } from './page.ts'

/** An error for the user. */
export function errorPage(error: AadstsError, { timestamp, traceId, correlationId }: AadstsReport): Page {
  return {
    title: 'Sign in: error',
    main: html`<h1>Sign in</h1>
<p>Sorry, but we’re having trouble signing you in.</p>
<p role="alert"><strong>AADSTS${String(error.code)}:</strong> ${error.message}</p>
<h2>Troubleshooting details</h2>
<dl>
<dt>Request Id</dt><dd>${traceId}</dd>
<dt>Correlation Id</dt><dd>${correlationId}</dd>
<dt>Timestamp</dt><dd>${timestamp}</dd>
</dl>`,
  }
}
