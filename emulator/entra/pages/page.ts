import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { html } from 'ghtml'
import { pageStyle } from '../../../src/lib/page-style.ts'

export interface Page {
  title: string
  /** HTML made with `html`, which escapes. */
  main: string
  /** URL of a script of this origin; optional for the page. */
  script?: string
  /** For more than a question and its answer. */
  isWide?: boolean
  /** Directives of the Content-Security-Policy beside those of every page. */
  directives?: readonly string[]
}

/** The server's pages have no frames and nothing to choose between. */
const STYLE = `${pageStyle}
iframe:not([hidden]) { display: block; width: 100%; height: 40rem; margin-top: .75rem; border: 1px solid var(--line); border-radius: .5rem }
button[aria-pressed=true] { border: 2px solid var(--action); font-weight: 600 }
`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

// No `form-action`: browsers apply it to the redirects after a form post too, which lead to the clients. Pages are
// escaped, so that no form can be injected.
const DIRECTIVES = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_HASH}'`,
  "script-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "frame-ancestors 'none'",
]

export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return reply
    .headers({
      'content-security-policy': [...DIRECTIVES, ...(page.directives ?? [])].join('; '),
      'cache-control': 'no-store, no-cache',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    .type('text/html; charset=utf-8')
    .send(documentOf(page))
}

function documentOf({ title, main, script, isWide = false }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>!${STYLE}</style>
</head>
<body!${isWide ? ' class="wide"' : ''}>
<header><strong>Emulated tenant</strong> <span>Not Microsoft: sign-in needs no password.</span></header>
<main>
!${main}
</main>
!${script && html`<script src="${script}"></script>`}
</body>
</html>
`
}
