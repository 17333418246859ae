import { parse as parseDuration } from '@lukeed/ms'
import type { Environment, Fault } from './environment.ts'

export interface GraphConfig {
  readonly baseUrl: string
  /** Of all users and replicas together; undefined: no limit. */
  readonly callsPerMinute: number | undefined
  readonly callsPerHour: number | undefined
  /** How long an answer is kept for whoever got it; 0: not at all. */
  readonly answerTtlMs: number
}

/** Whoever loses a role goes on seeing what was kept for as long as that. */
const longestAnswerTtlMs = 10 * 60_000

/** Microsoft Graph, "National cloud deployments". Another Graph, such as the emulator, has limits of its own. */
const microsoftHosts = new Set([
  'graph.microsoft.com',
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'microsoftgraph.chinacloudapi.cn',
])
/** Of one app in one tenant: Microsoft Graph, "Throttling limits: Service Communications". */
const microsoftLimits = { callsPerMinute: 240, callsPerHour: 800 }

/** @param baseUrl sound, without a trailing slash */
export function readGraph(sound: Environment, baseUrl: string, fault: Fault): GraphConfig {
  const limits = microsoftHosts.has(new URL(baseUrl).hostname) ? microsoftLimits : undefined
  const ttl = sound.GRAPH_ANSWER_TTL ?? '1 minute'
  const answerTtlMs = ttl === '0' ? 0 : (parseDuration(ttl) ?? Number.NaN)
  if (!(answerTtlMs >= 0 && answerTtlMs <= longestAnswerTtlMs)) {
    fault('GRAPH_ANSWER_TTL', 'must be a duration of at most ten minutes, such as 60s, or 0')
  }
  return {
    baseUrl,
    callsPerMinute: numberOf(sound.GRAPH_CALLS_PER_MINUTE) ?? limits?.callsPerMinute,
    callsPerHour: numberOf(sound.GRAPH_CALLS_PER_HOUR) ?? limits?.callsPerHour,
    answerTtlMs,
  }
}

function numberOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}
