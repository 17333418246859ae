/**
 * The suite's checks of MCP servers, those that need no tools of its own: a part of `npm run conformance`. The suite
 * cannot sign in, so a proxy in front adds a user's token to what it sends.
 */
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startServer, startTenant } from '../../demo/stack.ts'
import { report, runSuite, specVersions } from './suite.ts'

const noSubscriptions = 'nothing of this server changes while it runs, and so nothing can be subscribed to'
const ownTool = 'the suite looks for a tool of its own'

/** Scenarios of every revision, with the checks in them that cannot come out well here. */
const everywhere = { 'tools-list': {}, 'prompts-list': {}, 'dns-rebinding-protection': {} }
const scenarios: Readonly<Record<(typeof specVersions)[number], Readonly<Record<string, Record<string, string>>>>> = {
  '2025-11-25': { 'server-initialize': {}, ping: {}, ...everywhere },
  '2026-07-28': {
    ...everywhere,
    'http-header-validation': {},
    'server-sse-multiple-streams': {},
    caching: {},
    'server-stateless': {
      'sep-2575-server-rejects-undeclared-capability': ownTool,
      'sep-2575-missing-capability-http-400': ownTool,
      'sep-2575-http-server-no-independent-requests-on-stream': ownTool,
      'sep-2575-server-no-log-without-loglevel': ownTool,
      'sep-2575-server-sends-subscription-ack': noSubscriptions,
      'sep-2575-server-tags-subscription-id': noSubscriptions,
      'sep-2575-server-honors-notification-filter': noSubscriptions,
      'sep-2575-server-sends-prompts-list-changed-on-subscription': noSubscriptions,
      'sep-2575-server-sends-tools-list-changed-on-subscription': noSubscriptions,
    },
  },
}

const tenant = await startTenant(0)
const server = await startServer(tenant, { port: 0, log: false })
const token = await tenant.mint({ user: 'rowan' })

/** Everything else goes through as it came, Host and Origin included: they are among what is checked. */
function addToken(incoming: IncomingMessage, outgoing: ServerResponse) {
  const { method, headers, url = '/' } = incoming
  const onward = forward(
    new URL(url, server.url),
    { method, headers: { ...headers, authorization: `Bearer ${token}` } },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    },
  )
  onward.once('error', () => outgoing.destroy())
  incoming.pipe(onward)
}

const proxy = createServer(addToken)
await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
const { port } = proxy.address() as AddressInfo
try {
  for (const specVersion of specVersions) {
    for (const [scenario, excused] of Object.entries(scenarios[specVersion])) {
      process.stdout.write(`\n--- ${specVersion}, ${scenario}\n`)
      const about = ['--url', `http://127.0.0.1:${port}/mcp`, '--scenario', scenario, '--spec-version', specVersion]
      report(await runSuite(['server', ...about], { scenarios: [scenario], excused }))
    }
  }
} finally {
  proxy.closeAllConnections()
  proxy.close()
  await server.close()
  await tenant.close()
}
