import { html } from 'ghtml'
import { type Failure, failureText, pageText } from '../../errors/index.ts'
import { type Page, page, type Site } from '../../lib/page.ts'

export interface ErrorPageOptions {
  readonly site: Site
  readonly status: number
  readonly requestId: string
  readonly now: Date
}

/**
 * A failure as a page. It says what happened, what to do, and what an administrator needs to find it in the log; of a
 * 5xx not why.
 */
export function errorPage(failure: Failure, { site, status, requestId, now }: ErrorPageOptions): Page {
  const { heading, happened, next } = pageText(failure, site.host)
  const { redirectUri, allowEntry } = failure.details
  const isAboutRedirect = failure.reason === 'redirect_not_listed' || failure.reason === 'redirect_not_registered'
  const time = `${now.toISOString().slice(0, 19).replace('T', ' ')} UTC`
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ['Server', site.host],
    ['Problem', status < 500 ? failure.reason : undefined],
    ['Details', status < 500 && !isAboutRedirect ? failureText(failure) : undefined],
    [
      'To allow it',
      allowEntry &&
        `If you know whose it is, add ${allowEntry} to MCP_OAUTH_REDIRECT_URI_PREFIXES. The log event sign_in_failure has the whole line.`,
    ],
    ['Request ID', requestId],
    ['Time', time],
  ]
  return page(
    heading,
    html`<h1>${heading}</h1>
<p role="alert">${happened}</p>
!${isAboutRedirect ? html`<p class="box"><code>${redirectUri ?? ''}</code></p>` : ''}
<p>${next}</p>
<p>You can close this window.</p>
<div class="box">
<h2>Details for your administrator</h2>
<dl>
!${facts.map(([name, value]) => (value === undefined ? '' : html`<dt>${name}</dt><dd>${value}</dd>`)).join('\n')}
</dl>
</div>`,
    { site },
  )
}
