import { readFile } from 'node:fs/promises'
import type { FastifyPluginAsync } from 'fastify'
import { html } from 'ghtml'
import { sendPage } from './entra/pages/page.ts'

/** The path of the page. */
export const tryItPath = '/try-it'

/** Beside the bundle; from sources, where scripts/build-view.mjs put it. */
const scriptFile = new URL(import.meta.url.endsWith('.ts') ? '../dist/try-it.js' : 'try-it.js', import.meta.url)

/** Puts the view into the frame, whose policy is not the page's: an `srcdoc` would inherit that. */
const frameScript = `addEventListener('message', ({ data }) => {
  document.open()
  document.write(data)
  document.close()
}, { once: true })`

/** The view brings a stricter policy of its own. What this one does not name is blocked, requests included. */
const framePolicy = `default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; sandbox allow-scripts; frame-ancestors 'self'`

/**
 * A page that is a client of a server: it signs in through the server's OAuth proxy in this browser, and shows results
 * in the server's view. Servers are on loopback, as this tenant is.
 */
export const tryItRoutes: FastifyPluginAsync = async (app) => {
  app.get(tryItPath, (_request, reply) =>
    sendPage(reply, {
      title: 'Try it',
      main: html`<h1>Try the server</h1>
<p>This page is a client like any other: it registers, sends you to the server’s sign-in page, and shows you what its tools return.</p>
<div id="try-it"></div>
<noscript><p class="box warning">It needs JavaScript.</p></noscript>`,
      script: `${tryItPath}/script`,
      isWide: true,
      directives: ['connect-src http://localhost:* http://127.0.0.1:*', "frame-src 'self'"],
    }),
  )

  app.get(`${tryItPath}/script`, async (_request, reply) => {
    const script = await readFile(scriptFile, 'utf8').catch((cause: unknown) => {
      throw new Error('The page has not been built: node scripts/build-view.mjs', { cause })
    })
    return reply.type('text/javascript; charset=utf-8').header('cache-control', 'no-store').send(script)
  })

  app.get(`${tryItPath}/frame`, (_request, reply) =>
    reply
      .headers({ 'content-security-policy': framePolicy, 'x-content-type-options': 'nosniff' })
      .type('text/html; charset=utf-8')
      .send(`<!doctype html><html lang="en"><title>View</title><script>${frameScript}</script></html>`),
  )
}
