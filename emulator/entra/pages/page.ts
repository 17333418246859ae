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
}

const STYLE_HASH = createHash('sha256').update(pageStyle).digest('base64')

// No `form-action`: browsers apply it to the redirects after a form post too, which lead to the clients. Pages are
// escaped, so that no form can be injected.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_HASH}'`,
  "script-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return reply
    .headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'cache-control': 'no-store, no-cache',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    .type('text/html; charset=utf-8')
    .send(documentOf(page))
}

function documentOf({ title, main, script }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>!${pageStyle}</style>
</head>
<body>
<header><strong>Emulated tenant</strong> <span>Not Microsoft: sign-in needs no password.</span></header>
<main>
!${main}
</main>
!${script && html`<script src="${script}"></script>`}
</body>
</html>
`
}
