import { html } from 'ghtml'
import type { Config } from '../config/index.ts'
import { resourceOf } from '../config/resource.ts'
import { isWrite } from '../lib/graph-permissions.ts'
import { isLoopback } from '../lib/loopback.ts'
import { type Page, page } from '../lib/page.ts'
import { isRedirectAllowed } from '../lib/redirect-policy.ts'
import type { Tool } from '../plugins/mcp/tool.ts'
import { type ClientSetup, clientSetups } from './client-setups.ts'

export interface HomePageOptions {
  readonly config: Config
  /** Those that are switched on. */
  readonly tools: readonly Tool[]
  /** As /readyz says. */
  readonly isReady: boolean
}

/** Shows the buttons, which do nothing without it. Where the clipboard is not available, it selects the text. */
const copyScript = `
for (const button of document.querySelectorAll('.copy button')) {
  const text = button.parentElement.querySelector('code')
  const status = button.parentElement.querySelector('[role=status]')
  button.hidden = false
  button.addEventListener('click', async () => {
    status.textContent = ''
    try {
      await navigator.clipboard.writeText(text.textContent)
      status.textContent = 'Copied.'
    } catch {
      getSelection().selectAllChildren(text)
      status.textContent = 'Selected: copy it with Ctrl+C or Command+C.'
    }
  })
}
`

/** What this server is, whether it is ready, how clients are connected, what they can do. It names no tenant and no user. */
export function homePage({ config, tools, isReady }: HomePageOptions): Page {
  const { resource } = resourceOf(config)
  const verbs = tools.some(({ permissions }) => permissions.some(isWrite)) ? 'read and make changes in' : 'read'
  return page(
    'Message Center server',
    html`<h1>The Message Center for AI apps</h1>
<p>Through this server, apps that support the Model Context Protocol (MCP) ${verbs} the Microsoft 365 Message Center of your organization. You sign in at Microsoft, and they see what your own account may see.</p>
<p><span class="badge">${isReady ? 'Ready' : 'Not ready'}</span>${isReady ? '' : ' It cannot serve apps right now. Try again in a few minutes.'}</p>
<h2>Address</h2>
!${copyable(resource, 'address')}
<p class="note">Most apps need nothing else: they find out where to sign in and open a browser.</p>
!${tryIt(resource, config)}
<h2>Connect an app</h2>
!${config.oauthProxy === undefined ? '<p>Each app has to be registered in Microsoft Entra first: ask your administrator.</p>' : ''}
<div class="accordion">
!${clientSetups(resource)
      .map((setup) => setupText(setup, config))
      .join('\n')}
</div>
<p class="note">Any other app with MCP over HTTP connects too.</p>
<h2>Tools</h2>
<ul>
!${tools.map(({ definition: { name, title } }) => html`<li>${title} <code>${name}</code></li>`).join('\n')}
</ul>
<h2>Documentation</h2>
<p>It comes with the server’s source: <code>docs/clients.md</code> has more apps and what users see, <code>docs/tools.md</code> each tool, <code>docs/security.md</code> what protects the data, and <code>README.md</code> how to run a server.</p>`,
    { site: config.site, script: copyScript, isWide: true },
  )
}

function tryIt(resource: string, { tryItUrl }: Config): string {
  if (tryItUrl === undefined) return ''
  const href = `${tryItUrl}?${new URLSearchParams({ server: resource })}`
  return html`<h2>Try it</h2>
<p><a href="${href}">Sign in and see the digest and the latest messages</a> in this browser.</p>`
}

const unreachable =
  '<p class="note">It runs in the cloud, from where it cannot reach a server on your own computer.</p>'
const forbidden =
  '<p class="note">This server does not allow it to sign users in yet. Your administrator can change that: <code>docs/clients.md</code>, “Redirect URIs”.</p>'

function setupText({ client, steps, snippet, redirectUri, isCloud }: ClientSetup, config: Config): string {
  const { publicBaseUrl, oauthProxy } = config
  const isUnreachable = isCloud === true && isLoopback(new URL(publicBaseUrl).hostname)
  const isForbidden = oauthProxy !== undefined && !isRedirectAllowed(redirectUri, oauthProxy.redirects)
  const [note = ''] = [isUnreachable && unreachable, isForbidden && forbidden].filter((each) => each !== false)
  return html`<details>
<summary>${client}</summary>
!${steps}
!${snippet === undefined ? '' : copyable(snippet, `text for ${client}`)}
!${note}
</details>`
}

/** Text that one click selects as a whole, and a button that copies it where scripts run. */
function copyable(text: string, what: string): string {
  return html`<div class="copy"><code>${text}</code> <button type="button" aria-label="Copy ${what}" hidden>Copy</button> <span role="status"></span></div>`
}
