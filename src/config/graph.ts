import { parse as parseDuration } from '@lukeed/ms'
import type { Environment, Report } from './environment.ts'

/** Users who lose a role see their snapshot for as long as that. */
const longestCacheTtlMs = 60 * 60_000

/** Microsoft Graph, "National cloud deployments". Another Graph, such as the emulator, has limits of its own. */
export const microsoftHosts: ReadonlySet<string> = new Set([
  'graph.microsoft.com',
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'microsoftgraph.chinacloudapi.cn',
])
/** Of one app in one tenant: Microsoft Graph, "Throttling limits: Service Communications". */
const microsoftLimits = { callsPerMinute: 240, callsPerHour: 800 }

/**
 * Settings for Microsoft Graph, such as its address, the quota of calls and the TTL of a snapshot.
 *
 * @param baseUrl valid, without a trailing slash
 */
export function readGraph(valid: Environment, baseUrl: string, report: Report) {
  const { GRAPH_CALLS_PER_MINUTE: perMinute, GRAPH_CALLS_PER_HOUR: perHour } = valid
  const limits = microsoftHosts.has(new URL(baseUrl).hostname) ? microsoftLimits : undefined
  const ttl = valid.GRAPH_CACHE_TTL ?? '5 minutes'
  const cacheTtlMs = ttl === '0' ? 0 : (parseDuration(ttl) ?? Number.NaN)
  if (!(cacheTtlMs >= 0 && cacheTtlMs <= longestCacheTtlMs)) {
    report('GRAPH_CACHE_TTL', 'invalid', 'must be a duration of at most an hour, such as 5m, or 0')
  }
  return {
    baseUrl,
    /** Of all users and replicas together; undefined: no limit. */
    callsPerMinute: perMinute === undefined ? limits?.callsPerMinute : Number(perMinute),
    callsPerHour: perHour === undefined ? limits?.callsPerHour : Number(perHour),
    /** How long a snapshot of the Message Center lives, per access token; 0: every question reads. */
    cacheTtlMs,
  }
}
