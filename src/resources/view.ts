import { readFile } from 'node:fs/promises'
import type { View } from '../plugins/mcp/resource.ts'
import { viewUri } from '../plugins/message-center/message.ts'

/** Beside the bundle; from sources, where `npm run build` put it. */
const file = new URL(import.meta.url.endsWith('.ts') ? '../../dist/view.html' : 'view.html', import.meta.url)

let html: Promise<string> | undefined

/**
 * What calls the view may make are in its `data-tools`: a view cannot list a server's tools.
 *
 * @throws where it has not been built
 */
async function readHtml(tools: readonly string[]): Promise<string> {
  html ??= readFile(file, 'utf8')
  const built = await html.catch((cause: unknown) => {
    html = undefined
    throw new Error('The view has not been built: npm run build', { cause })
  })
  return built.replace('data-tools=""', `data-tools="${tools.join(' ')}"`)
}

/** The view of messages (view/), one HTML document that loads nothing. */
export const view: View = {
  name: 'message-center-view',
  title: 'Message Center',
  description: 'Messages, their dates and the digest, for people: clients with MCP Apps show tool results in it.',
  uri: viewUri,
  mimeType: 'text/html;profile=mcp-app',
  _meta: {
    ui: {
      // Empty: no request to anywhere (MCP Apps, "UI Resource Format").
      csp: { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] },
      prefersBorder: true,
    },
  },
  read: readHtml,
}
