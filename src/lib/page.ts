import { hash } from 'node:crypto'
import { html } from 'ghtml'
import { pageStyle } from './page-style.ts'

/** A whole HTML document, and the Content-Security-Policy that belongs to it. */
export interface Page {
  readonly html: string
  readonly contentSecurityPolicy: string
}

/** Whose page it is: shown on every page of the server. */
export interface Site {
  /** The public host, with its port. */
  readonly host: string
  /** Who runs the server. */
  readonly operatorName?: string | undefined
  /** Where users get help: `https:` or `mailto:`. */
  readonly operatorContactUrl?: string | undefined
}

export interface PageOptions {
  readonly site?: Site
  /** Safe HTML for the head. */
  readonly head?: string
  /** A script of the page's own, inline; without one the policy allows none. */
  readonly script?: string
  /** For more than a question and its answer. */
  readonly isWide?: boolean
}

// Nothing but the style sheet and the page's own script, by their hashes; forms go back to this server and nowhere else.
function policyFor(script: string | undefined): string {
  return [
    "default-src 'none'",
    `style-src ${hashSource(pageStyle)}`,
    ...(script === undefined ? [] : [`script-src ${hashSource(script)}`]),
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** CSP Level 3 section 2.3.1, `hash-source`. */
function hashSource(text: string): string {
  return `'sha256-${hash('sha256', text, 'base64')}'`
}

/** @param main safe HTML, as `html` made it */
export function page(title: string, main: string, { site, head = '', script, isWide = false }: PageOptions = {}): Page {
  return {
    contentSecurityPolicy: policyFor(script),
    html: html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}${site === undefined ? '' : ` · ${site.host}`}</title>
<link rel="icon" href="data:,">
!${head}
<style>!${pageStyle}</style>
</head>
<body!${isWide ? ' class="wide"' : ''}>
!${site === undefined ? '' : masthead(site)}
<main>
!${main}
</main>
!${site === undefined ? '' : operator(site)}
!${script === undefined ? '' : `<script>${script}</script>`}
</body>
</html>
`,
  }
}

function masthead({ host }: Site): string {
  return html`<header><strong>Message Center server</strong> <span>${host}</span></header>`
}

/** Who runs the server and where to get help, if the operator says so. */
function operator({ operatorName, operatorContactUrl }: Site): string {
  if (operatorName === undefined && operatorContactUrl === undefined) return ''
  const name = operatorName === undefined ? '' : html`<span>Run by ${operatorName}</span>`
  const contact =
    operatorContactUrl === undefined
      ? ''
      : html`<span>Help: <a href="${operatorContactUrl}">${contactText(operatorContactUrl)}</a></span>`
  return html`<footer>!${name} !${contact}</footer>`
}

/** An address without its scheme, as people write it. */
function contactText(url: string): string {
  return url.replace(/^(https:\/\/|mailto:)/, '').replace(/\/$/, '')
}
