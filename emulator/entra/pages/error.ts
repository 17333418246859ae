import { html } from 'ghtml'
import type { AadstsError, AadstsReport } from '../aadsts.ts'
import type { Page } from './page.ts'

/**
 * An error for the user.
 *
 * @param retryQuery of the URL of this page, where another account may succeed
 */
export function errorPage(
  error: AadstsError,
  { timestamp, traceId, correlationId }: AadstsReport,
  retryQuery?: string,
): Page {
  return {
    title: 'Sign in: error',
    main: html`<h1>Sorry, but we’re having trouble signing you in</h1>
<p role="alert"><strong>AADSTS${String(error.code)}:</strong> ${error.message}</p>
!${retryQuery === undefined ? '' : html`<p><a href="?${retryQuery}">Sign in with another account</a></p>`}
<div class="box">
<h2>Troubleshooting details</h2>
<dl>
<dt>Request Id</dt><dd>${traceId}</dd>
<dt>Correlation Id</dt><dd>${correlationId}</dd>
<dt>Timestamp</dt><dd>${timestamp}</dd>
</dl>
</div>`,
  }
}
