import { hash } from 'node:crypto'
import { html } from 'ghtml'

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

/** @param main safe HTML, as `html` made it */
export function page(title: string, main: string, head = ''): Page {
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
