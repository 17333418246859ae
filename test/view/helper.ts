import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'
import type { Frame, Page } from 'playwright-core'
import type { ToolResult } from '../../view/result.ts'
import { launchBrowser, startSite } from '../browser-helper.ts'
import { now } from './posts.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const options: BuildOptions = { bundle: true, write: false, format: 'iife', target: 'es2022', logLevel: 'warning' }
const html = readBuiltView()
const { outputFiles: [hostScript] = [] } = await build({
  ...options,
  absWorkingDir: root,
  entryPoints: ['test/view/host/host.ts'],
})
const page = `<!doctype html><html lang="en"><title>Host</title><style>
html, body { margin: 0 } body[data-dark] { background: #1f1f1f }
iframe { display: block; width: 100%; height: 600px; border: 0 }
</style><body><script src="host.js"></script></body></html>`
const site = await startSite(({ url }, response) => {
  const isScript = url === '/host.js'
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8')
  response.end(isScript ? hostScript?.text : page)
})
const browser = await launchBrowser()
const require = createRequire(import.meta.url)
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** The view as it is built. */
export const builtView = html

export interface ViewOptions {
  /** As a server serves it; as it is built unless given. */
  readonly served?: string
  readonly result?: ToolResult
  /** The tool whose result it is, and its arguments. */
  readonly tool?: string
  readonly args?: Readonly<Record<string, unknown>>
  /** Answers calls of the view; without it the host passes no calls on. */
  readonly callTool?: (name: string, args: Record<string, unknown>) => Promise<ToolResult> | ToolResult
  /** Tools that the server offers. */
  readonly tools?: readonly string[]
  readonly theme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
  /** What else the host says, such as its colours. */
  readonly context?: Readonly<Record<string, unknown>>
  readonly reducedMotion?: 'reduce'
  /** The time in the browser. */
  readonly time?: Date
}

/** Opens the view in a host. Whatever it does outside of itself is in `calls`, `links` and `requests`. */
export async function openView({
  served,
  result,
  tool = 'getMessages',
  args = {},
  callTool,
  tools = ['getDigest', 'getMessages', 'getMessage'],
  theme = 'light',
  width = 1_024,
  height = 900,
  context: more = {},
  reducedMotion,
  time = now,
}: ViewOptions) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    ...(reducedMotion && { reducedMotion }),
  })
  const page = await context.newPage()
  const calls: { name: string; args: Record<string, unknown> }[] = []
  const links: string[] = []
  const requests: string[] = []
  const errors: string[] = []
  await page.exposeFunction('callTool', async (name: string, args: Record<string, unknown>) => {
    calls.push({ name, args })
    if (callTool === undefined) throw new Error('No calls are passed on')
    return callTool(name, args)
  })
  await page.exposeFunction('openLink', (url: string) => void links.push(url))
  await page.clock.setFixedTime(time)
  await page.goto(site.origin)
  // What a policy blocks does not come here.
  await context.route('**/*', (route) => {
    requests.push(route.request().url())
    return route.abort()
  })
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('dialog', (dialog) => {
    errors.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  const host = {
    html: served ?? html.replace('data-tools=""', `data-tools="${tools.join(' ')}"`),
    capabilities: { openLinks: {}, ...(callTool !== undefined && { serverTools: {} }) },
    context: { theme, toolInfo: { tool: { name: tool, inputSchema: { type: 'object' } } }, ...more },
    args,
  }
  if (theme === 'dark') await page.evaluate('document.body.dataset.dark = ""')
  await run(page, 'startHost', host)
  const frame = page.frames().find((one) => one !== page.mainFrame())
  if (frame === undefined) throw new Error('The host has no frame')
  const send = (sent: ToolResult) => run(page, 'sendResult', { content: [], ...sent })
  if (result !== undefined) {
    await send(result)
    await frame.locator('main[aria-busy=false]').waitFor()
  }
  return {
    page,
    frame,
    calls,
    links,
    requests,
    errors,
    send,
    setContext: (changed: Readonly<Record<string, unknown>>) =>
      run(page, 'setContext', { ...host.context, ...changed }),
    close: () => context.close(),
  }
}

/** A result as the server's tools return it. */
export function resultOf(structuredContent: object): ToolResult {
  return { structuredContent, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] }
}

/** What axe-core finds wrong: rule, and the elements. */
export async function axeFindings(frame: Frame): Promise<string[]> {
  await frame.evaluate(axe)
  const { violations } = (await frame.evaluate('axe.run()')) as {
    violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
  }
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

/** Whether something is wider than the view. */
export async function overflows(frame: Frame): Promise<boolean> {
  return frame.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
}

function run(page: Page, name: string, argument: unknown): Promise<unknown> {
  return page.evaluate(`${name}(${JSON.stringify(argument)})`)
}

function readBuiltView(): string {
  const folder = mkdtempSync(join(tmpdir(), 'view-'))
  try {
    execFileSync(process.execPath, ['scripts/build-view.mjs', folder], { cwd: root })
    return readFileSync(join(folder, 'view.html'), 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
