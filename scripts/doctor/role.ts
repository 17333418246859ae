import { openSession } from '../mcp/session.ts'
import { boundedFetch } from '../shared/bounded-fetch.ts'
import { type TokenFlags, tokenBy, wayToToken } from '../sign-in/access-token.ts'
import { type Check, noDeployment } from './examine.ts'
import { ok, skipped } from './finding.ts'

/** A user can read messages through the deployment: tests sign-in, exchange, consent and role end to end. */
export const reading = (flags: TokenFlags): Check => ({
  name: 'reading as a user',
  needs: ['ready', 'challenge', 'public address'],
  unless: (context) =>
    noDeployment(context) ??
    (wayToToken(flags, context.io.env) === 'browser'
      ? 'no token of a user: MCP_ACCESS_TOKEN, --token-stdin, --az or --device-code'
      : undefined),
  async run({ deployment, io, env }) {
    const way = wayToToken(flags, io.env)
    if (way === 'browser') return skipped('no token of a user')
    // Tenant and app are those of the checked configuration.
    const accessToken = await tokenBy(way, { ...io, env: { ...io.env, ...env } }, flags)
    const options = { endpoint: deployment?.endpoint ?? '', accessToken }
    const session = await openSession('any', { ...options, fetch: boundedFetch(io) })
    try {
      const { structuredContent } = await session.callTool('getMessages', { top: 1 })
      return ok(`read ${structuredContent?.['@odata.count']} messages`)
    } finally {
      await session.close()
    }
  },
})
