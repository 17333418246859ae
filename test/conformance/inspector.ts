/**
 * Signs in to the server with the MCP Inspector's command line, as somebody does who knows only the URL, and calls a
 * tool with the token that it keeps, in both eras of the protocol: a part of `npm run conformance`.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { startServer, startTenant } from '../../demo/stack.ts'
import { freePort } from '../helper.ts'
import { useBrowser } from './suite.ts'

const inspector = '@modelcontextprotocol/inspector@2.12.0'
const eras = ['legacy', 'modern']

interface Listing {
  readonly tools?: readonly { readonly name: string }[]
}
interface ToolResult {
  readonly isError?: boolean
  readonly structuredContent?: { readonly value?: readonly unknown[] }
}

/** One run of the Inspector, whose state is all in `home`. @returns the JSON that it prints, and its sign-ins */
async function inspect(home: string, args: readonly string[]): Promise<{ result: unknown; signIns: number }> {
  const child = spawn('npx', ['--yes', '--loglevel=error', '--package', inspector, '--', 'mcp-inspector', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      npm_config_cache: process.env['npm_config_cache'] ?? join(process.env['HOME'] ?? '', '.npm'),
      npm_config_update_notifier: 'false',
      HOME: home,
      MCP_CATALOG_PATH: join(home, 'catalog.json'),
      MCP_INSPECTOR_SECRET_STORE: 'file',
      // It signs in without a terminal only where it may open a browser: one that does nothing.
      MCP_AUTO_OPEN_ENABLED: 'true',
      BROWSER: 'true',
    },
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const signIns: Promise<void>[] = []
  createInterface(child.stderr).on('line', (line) => {
    process.stderr.write(`${line}\n`)
    const [authorizationUrl] = /http:\/\/\S+\/authorize\?\S+/.exec(line) ?? []
    if (authorizationUrl !== undefined) signIns.push(useBrowser(authorizationUrl))
  })
  const printed = await text(child.stdout)
  const code = await ended
  await Promise.all(signIns)
  if (code !== 0) throw new Error(`The Inspector exits with ${code}: ${printed}`)
  const { result } = JSON.parse(printed) as { result: unknown }
  return { result, signIns: signIns.length }
}

/** @throws an Error of one line for what is not as it should be */
async function check(serverUrl: string, era: string): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'mcp-inspector-'))
  const callbackUrl = `http://127.0.0.1:${await freePort()}/oauth/callback`
  const about = ['--cli', '--server-url', serverUrl, '--transport', 'http', '--protocol-era', era, '--format', 'json']
  try {
    const listed = await inspect(home, [...about, '--callback-url', callbackUrl, '--strict', '--method', 'tools/list'])
    const names = (listed.result as Listing).tools?.map(({ name }) => name) ?? []
    process.stdout.write(`${era}: ${listed.signIns} sign-in, tools/list: ${names.join(', ')}\n`)
    if (listed.signIns !== 1 || !names.includes('getMessages'))
      throw new Error(`${era}: not one sign-in, or not the tools of this server`)

    const call = ['--method', 'tools/call', '--tool-name', 'getMessages', '--tool-args-json', '{"top":2}']
    const called = await inspect(home, [...about, '--stored-auth-only', ...call])
    const { isError, structuredContent } = called.result as ToolResult
    const count = structuredContent?.value?.length
    process.stdout.write(`${era}: with the token of before, getMessages: ${count} messages\n`)
    if (isError === true || count !== 2) throw new Error(`${era}: the call brought ${JSON.stringify(called.result)}`)
  } finally {
    await rm(home, { recursive: true })
  }
}

const tenant = await startTenant(0)
const server = await startServer(tenant, { port: 0, log: false })
try {
  for (const era of eras) await check(server.url, era)
} finally {
  await server.close()
  await tenant.close()
}
