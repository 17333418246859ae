import { openSession } from '../mcp/session.ts'
import { boundedFetch } from '../shared/bounded-fetch.ts'
import { type TokenFlags, tokenBy, wayToToken } from '../sign-in/access-token.ts'
import type { Check } from './examine.ts'
import { ok, skipped } from './finding.ts'

/** A user can read messages through the deployment: sign-in, exchange, consent and role, proven by doing it. */
export const reading = (flags: TokenFlags): Check => ({
  name: 'reading as a user',
  needs: ['ready', 'challenge', 'public address'],
  unless({ deployment, io }) {
    if (deployment === undefined) return 'no deployment is examined; --url names one'
    return wayToToken(flags, io.env) === 'browser'
      ? 'there is no token of a user: MCP_ACCESS_TOKEN, --token-stdin, --az or --device-code'
      : undefined
  },
  async run({ deployment, io, env }) {
    const way = wayToToken(flags, io.env)
    if (way === 'browser') return skipped('there is no token of a user')
    // Tenant and app are those of the configuration that is examined.
    const accessToken = await tokenBy(way, { ...io, env: { ...io.env, ...env } }, flags)
    const options = { endpoint: deployment?.endpoint ?? '', accessToken }
    const session = await openSession('any', { ...options, fetch: boundedFetch(io) })
    try {
      const { structuredContent } = await session.callTool('getMessages', { top: 1 })
      return ok(`${structuredContent?.['@odata.count']} messages can be read`)
    } finally {
      await session.close()
    }
  },
})
